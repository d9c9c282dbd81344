/** What the charts of the page show, as plain data. */
import type { MetricsLine, Run, StageName } from "../../record/mod.ts";
import { line } from "../caption.ts";
import { chanceOf, probeOf, recallByArm } from "../recall.ts";
import { type Look, looks } from "../palette.ts";
import { type ArmSummary, curve, ofStage, type Spread, summaries, trainSeconds } from "../summary.ts";

/** A curve of one arm, or one bar. */
export interface Series {
  readonly name: string;
  /** What tells it from the other curves of its arm. */
  readonly detail: string;
  readonly look: Look;
  readonly dashed: boolean;
  readonly faint: boolean;
  readonly points: readonly Sample[];
}

/** A value at a step, followed by the least and the most of the seeds where there are several. */
export type Sample =
  | readonly [step: number, mean: number]
  | readonly [step: number, mean: number, low: number, high: number];

const sampleOf = (step: number, { mean, low, high, count }: Spread): Sample =>
  count > 1 ? [step, mean, low, high] : [step, mean];

export interface ChartData {
  readonly title: string;
  readonly note: string;
  readonly kind: "lines" | "bars";
  readonly xTitle: string;
  readonly yTitle: string;
  /** Whether the chart starts with a logarithmic scale. */
  readonly log: boolean;
  readonly series: readonly Series[];
  /** Horizontal lines with their names. */
  readonly rules: readonly (readonly [value: number, name: string])[];
}

/** Most points of a curve; longer ones are shown as means of neighbours. */
const MOST_POINTS = 240;

/** Six digits: more than a pixel can show, and half the bytes. */
const rounded = (value: number) => Number(value.toPrecision(6));

function thinned(points: readonly Sample[]): Sample[] {
  const size = Math.ceil(points.length / MOST_POINTS), thin: Sample[] = [];
  for (let at = 0; at < points.length; at += size) {
    const group = points.slice(at, at + size), columns = Math.min(...group.map(({ length }) => length));
    const mean = (column: number) => rounded(group.reduce((sum, point) => sum + point[column]!, 0) / group.length);
    const step = group.at(-1)![0];
    thin.push(columns === 4 ? [step, mean(1), mean(2), mean(3)] : [step, mean(1)]);
  }
  return thin;
}

interface Wanted {
  readonly stage: StageName;
  readonly kind: MetricsLine["kind"];
  readonly of: (line: MetricsLine) => number | undefined;
  readonly detail: string;
  readonly dashed?: boolean;
  readonly faint?: boolean;
}

/** A curve of each arm that has the measure: the mean of its seeds, and what they span. */
function curves(run: Run, { detail, dashed = false, faint = false, ...wanted }: Wanted): Series[] {
  const names = run.record.study.arms.map(({ name }) => name), look = looks(names);
  return names.flatMap((arm) => {
    const points = curve(run, { arm, ...wanted }, wanted.of).map(({ step, spread }) => sampleOf(step, spread));
    if (points.length === 0) return [];
    return [{ name: line(arm), detail, look: look(arm), dashed, faint, points: thinned(points) }];
  });
}

type Frame = Pick<ChartData, "title" | "note" | "yTitle"> & Partial<Pick<ChartData, "log" | "rules">>;

const lineChart = (frame: Frame, series: readonly Series[]): ChartData => ({
  kind: "lines",
  xTitle: "step",
  log: false,
  rules: [],
  ...frame,
  series,
});

/** Both second stages of a measure: ORPO solid, the control dashed. */
const both = (run: Run, wanted: Pick<Wanted, "kind" | "of">): Series[] => [
  ...curves(run, { stage: "orpo", detail: "ORPO", ...wanted }),
  ...curves(run, { stage: "control", detail: "control", dashed: true, ...wanted }),
];

function lineCharts(run: Run): ChartData[] {
  const { unigram, bigram } = run.record.baselines, nats = "nats per token";
  const held = "ORPO solid, its control with beta = 0 dashed; pairs that were never trained on";
  return [
    lineChart(
      {
        title: "Stage 1: loss",
        note: "Faint: training batches; marked: the whole validation text.",
        yTitle: nats,
        rules: [[unigram.loss, "unigram"], [bigram.loss, "bigram"]],
      },
      [
        ...curves(run, {
          stage: "pretraining",
          kind: "train",
          of: ({ loss }) => loss,
          detail: "training",
          faint: true,
        }),
        ...curves(run, { stage: "pretraining", kind: "evaluation", of: ({ loss }) => loss, detail: "validation" }),
      ],
    ),
    lineChart(
      { title: "Stage 2: validation loss", note: "ORPO solid, its control with beta = 0 dashed.", yTitle: nats },
      both(run, { kind: "evaluation", of: ({ loss }) => loss }),
    ),
    lineChart(
      { title: "Stage 2: preference accuracy", note: `${held}.`, yTitle: "share of pairs", rules: [[0.5, "chance"]] },
      both(run, { kind: "preference", of: ({ accuracy }) => accuracy }),
    ),
    lineChart(
      {
        title: "Stage 2: preference margin",
        note: `Log-probability of chosen minus rejected; ${held}.`,
        yTitle: nats,
        rules: [[0, "no preference"]],
      },
      both(run, { kind: "preference", of: ({ margin }) => margin }),
    ),
  ];
}

function barChart(
  arms: readonly ArmSummary[],
  frame: Frame,
  spreadOf: (arm: ArmSummary) => Spread | undefined,
): ChartData {
  const look = looks(arms.map(({ name }) => name));
  const series = arms.flatMap((arm): Series[] => {
    const spread = spreadOf(arm);
    if (!spread) return [];
    const detail = spread.count > 1 ? `mean of ${spread.count} seeds` : "";
    const points = [sampleOf(0, spread)];
    return [{ name: line(arm.name), detail, look: look(arm.name), dashed: false, faint: false, points }];
  });
  return { kind: "bars", xTitle: "", log: false, rules: [], ...frame, series };
}

function barCharts(run: Run): ChartData[] {
  const arms = summaries(run), { sequenceLength } = run.record.study;
  const last = (arm: ArmSummary) =>
    arm.spread((result) => (result.stages.orpo ?? result.stages.pretraining)?.final.perplexity);
  return [
    barChart(arms, { title: "Validation perplexity", note: "After the last step.", yTitle: "perplexity" }, last),
    barChart(
      arms,
      { title: "Speed of training", note: "First stage.", yTitle: "tokens / s" },
      (arm) => arm.spread(ofStage("pretraining", (stage) => stage.tokens_per_s)),
    ),
    barChart(
      arms,
      { title: "Speed of generation", note: "With caches.", yTitle: "tokens / s" },
      (arm) => arm.spread(({ generation }) => generation.newTokens > 0 ? generation.tokens_per_s : undefined),
    ),
    barChart(
      arms,
      { title: "Training time", note: "Both stages, without evaluations and the control.", yTitle: "seconds" },
      (arm) => arm.spread(trainSeconds),
    ),
    barChart(
      arms,
      { title: "Parameters", note: "Embedding and output head are one matrix.", yTitle: "parameters" },
      (arm) => arm.spread(({ parameters }) => parameters),
    ),
    barChart(
      arms,
      {
        title: "Cache of one sequence",
        note: `Keys, values and Mamba states after ${sequenceLength} tokens of text, 32-bit floats.`,
        yTitle: "bytes",
      },
      (arm) => arm.spread(({ cache }) => cache.kvBytes + cache.stateBytes),
    ),
  ];
}

/** Right answers of the recall probe, each range of distances at its middle. */
function recallCharts(run: Run): ChartData[] {
  if (run.recall.length === 0) return [];
  const probe = probeOf(run), { ranges } = probe.recall, arms = recallByArm(probe);
  const look = looks(arms.map(({ name }) => name)), middles = ranges.map(([least, most]) => (least + most) / 2);
  const series = arms.map(({ name, accuracies }): Series => ({
    ...{ name: line(name), detail: "", look: look(name), dashed: false, faint: false },
    points: accuracies.map((spread, range) => sampleOf(middles[range]!, spread)),
  }));
  const shown = ranges.map(([least, most]) => `${least} to ${most}`).join(", ");
  const note = `Small models trained for it; distances of ${shown} tokens, at the middle of each range.`;
  const frame: Frame = {
    title: "Associative recall",
    note,
    yTitle: "share of right answers",
    rules: [[chanceOf(probe.recall), "chance"]],
  };
  return [{ ...lineChart(frame, series), xTitle: "distance (tokens)" }];
}

/** The charts of a run, those without a single number left out. */
export const chartData = (run: Run): ChartData[] =>
  [...lineCharts(run), ...recallCharts(run), ...barCharts(run)].filter(({ series }) => series.length > 0);
