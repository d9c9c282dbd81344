/** The data of the page's charts. */
import { at } from "../../lists.ts";
import type { MetricsLine, Run, StageName } from "../../record/mod.ts";
import { oneLine } from "../caption.ts";
import { averaged } from "../chart/lines.ts";
import { chanceOf, probeOf, recallByArm } from "../recall.ts";
import { type Look, looks } from "../palette.ts";
import { type ArmSummary, curve, lastStage, type Spread, summaries } from "../summary.ts";
import { steadySpeed, trainingTime } from "../speeds.ts";

/** One curve or one bar of an arm. */
export interface Series {
  readonly name: string;
  /** Distinguishes it from the other curves of its arm. */
  readonly detail: string;
  readonly look: Look;
  readonly dashed: boolean;
  readonly faint: boolean;
  readonly points: readonly Sample[];
}

/** The mean of the seeds at a step. With several seeds, their lowest and highest value follow. */
export type Sample =
  | readonly [step: number, mean: number]
  | readonly [step: number, mean: number, low: number, high: number];

/** Rounds to six digits: more than a pixel can show, and half the bytes. */
const rounded = (value: number) => Number(value.toPrecision(6));

const sampleOf = (step: number, { mean, low, high, count }: Spread): Sample =>
  count > 1 ? [step, rounded(mean), rounded(low), rounded(high)] : [step, rounded(mean)];

export interface ChartData {
  readonly title: string;
  readonly note: string;
  readonly kind: "lines" | "bars";
  readonly xTitle: string;
  readonly yTitle: string;
  /** Whether the scale is logarithmic at first. */
  readonly log: boolean;
  readonly series: readonly Series[];
  /** Horizontal lines with their names. */
  readonly rules: readonly (readonly [value: number, name: string])[];
}

/** The most points of a curve. A longer one is averaged. */
const MOST_POINTS = 240;

/** Which measure of which stage a curve shows, and its style. */
interface Curve {
  readonly stage: StageName;
  readonly kind: MetricsLine["kind"];
  readonly of: (line: MetricsLine) => number | undefined;
  readonly detail: string;
  readonly dashed?: boolean;
  readonly faint?: boolean;
}

/** A curve of each arm that has the measure: the mean of its seeds, and their range. */
function curves(run: Run, { detail, dashed = false, faint = false, stage, kind, of }: Curve): Series[] {
  const names = run.record.study.arms.map(({ name }) => name), look = looks(names);
  return names.flatMap((arm) => {
    const points = averaged(curve(run, { arm, stage, kind }, of), MOST_POINTS);
    if (points.length === 0) return [];
    const samples = points.map(({ step, spread }) => sampleOf(step, spread));
    return [{ name: oneLine(arm), detail, look: look(arm), dashed, faint, points: samples }];
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

/** A measure of the second stage: ORPO as solid curves, the control as dashed ones. */
const secondStage = (run: Run, measure: Pick<Curve, "kind" | "of">): Series[] => [
  ...curves(run, { stage: "orpo", detail: "ORPO", ...measure }),
  ...curves(run, { stage: "control", detail: "control", dashed: true, ...measure }),
];

const NATS = "nats per token";

function firstStageChart(run: Run): ChartData {
  const { unigram, bigram } = run.record.baselines, of = ({ loss }: MetricsLine) => loss, stage = "pretraining";
  const frame: Frame = {
    title: "Stage 1: loss",
    note: "Faint: training batches; marked: the whole validation text.",
    yTitle: NATS,
    rules: [[unigram.loss, "unigram"], [bigram.loss, "bigram"]],
  };
  return lineChart(frame, [
    ...curves(run, { stage, kind: "train", of, detail: "training", faint: true }),
    ...curves(run, { stage, kind: "evaluation", of, detail: "validation" }),
  ]);
}

function secondStageCharts(run: Run): ChartData[] {
  const styles = "Solid: ORPO; dashed: its control with beta = 0.", heldOut = `Held-out pairs. ${styles}`;
  return [
    lineChart(
      { title: "Stage 2: validation loss", note: styles, yTitle: NATS },
      secondStage(run, { kind: "evaluation", of: ({ loss }) => loss }),
    ),
    lineChart(
      { title: "Stage 2: preference accuracy", note: heldOut, yTitle: "share of pairs", rules: [[0.5, "chance"]] },
      secondStage(run, { kind: "preference", of: ({ accuracy }) => accuracy }),
    ),
    lineChart(
      {
        title: "Stage 2: preference margin",
        note: `Log-probability of chosen minus rejected. ${heldOut}`,
        yTitle: NATS,
        rules: [[0, "no preference"]],
      },
      secondStage(run, { kind: "preference", of: ({ margin }) => margin }),
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
    return [{ name: oneLine(arm.name), detail, look: look(arm.name), dashed: false, faint: false, points }];
  });
  return { kind: "bars", xTitle: "", log: false, rules: [], ...frame, series };
}

function barCharts(run: Run): ChartData[] {
  const arms = summaries(run), { sequenceLength } = run.record.study;
  const last = (arm: ArmSummary) => arm.spread((result) => lastStage(result)?.final.perplexity);
  return [
    barChart(arms, { title: "Validation perplexity", note: "After the last step.", yTitle: "perplexity" }, last),
    ...(["training", "generation"] as const).map((kind) =>
      barChart(
        arms,
        { title: `Speed of ${kind}`, note: "Median of the rounds, with a 95 % interval.", yTitle: "tokens / s" },
        ({ name }) => steadySpeed(run, name, kind),
      )
    ),
    barChart(
      arms,
      {
        title: "Time of the first stage",
        note: "Its tokens at the measured speed, with a 95 % interval.",
        yTitle: "seconds",
      },
      ({ name }) => trainingTime(run, name),
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

/** The share of right answers in the recall probe, by distance. Each range of distances is drawn at its middle. */
function recallCharts(run: Run): ChartData[] {
  if (run.recall.length === 0) return [];
  const probe = probeOf(run), { ranges } = probe.recall, arms = recallByArm(probe);
  const look = looks(arms.map(({ name }) => name)), middles = ranges.map(([least, most]) => (least + most) / 2);
  const series = arms.map(({ name, accuracies }): Series => ({
    name: oneLine(name),
    detail: "",
    look: look(name),
    dashed: false,
    faint: false,
    points: accuracies.map((spread, range) => sampleOf(at(middles, range), spread)),
  }));
  const distances = ranges.map(([least, most]) => `${least} to ${most}`).join(", ");
  const frame: Frame = {
    title: "Associative recall",
    note: `Small models trained for this task. Distances of ${distances} tokens, each drawn at its middle.`,
    yTitle: "share of right answers",
    rules: [[chanceOf(probe.recall), "chance"]],
  };
  return [{ ...lineChart(frame, series), xTitle: "distance (tokens)" }];
}

/** The charts of a run. A chart without any number is left out. */
export const chartData = (run: Run): ChartData[] =>
  [firstStageChart(run), ...secondStageCharts(run), ...recallCharts(run), ...barCharts(run)]
    .filter(({ series }) => series.length > 0);
