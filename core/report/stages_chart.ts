/** training_stages_comparison.png: both stages of training, step by step. */
import { studyOfArm } from "../config/mod.ts";
import { at } from "../lists.ts";
import type { MetricsLine, Run, StageName } from "../record/mod.ts";
import { armAxis, baselineReferences } from "./ablation_chart.ts";
import { firstStageWords, footerOf, scheduleWords, sizeOf, spreadNote } from "./caption.ts";
import { dotPlot } from "./chart/bars.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Line, linePlot, MOST_POINTS } from "./chart/lines.ts";
import type { Axis, Reference } from "./chart/plot.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { significant } from "./format.ts";
import { INK, type Look, looks } from "./palette.ts";
import { type ArmSummary, curve, curveOfChange, ofStage, summaries } from "./summary.ts";

/** A measure of the metrics log. */
interface Measure {
  readonly kind: MetricsLine["kind"];
  readonly of: (line: MetricsLine) => number | undefined;
}

/** A curve of every arm that has the measure. */
function curves(
  run: Run,
  { stage, kind, of }: Measure & { stage: StageName },
  style: Omit<Line, "points" | "look"> = {},
): Line[] {
  const arms = run.record.study.arms.map(({ name }) => name), look = looks(arms);
  return arms.map((arm) => ({ points: curve(run, { arm, stage, kind }, of), look: look(arm), ...style }))
    .filter(({ points }) => points.length > 0);
}

const TRAINING_LOSS: Measure = { kind: "train", of: ({ loss }) => loss };
const VALIDATION_LOSS: Measure = { kind: "evaluation", of: ({ loss }) => loss };

const STEP: Axis = { title: "step", min: 0, whole: true };

/** The range of the points with a small margin, so that the curves fill the plot. */
function rangeOf(lines: readonly Line[], also: readonly number[] = []): Pick<Axis, "suggestedMin" | "suggestedMax"> {
  const values = [...also, ...lines.flatMap(({ points }) => points.flatMap(({ spread }) => [spread.low, spread.high]))];
  if (values.length === 0) return {};
  const low = Math.min(...values), high = Math.max(...values);
  const margin = 0.06 * (high - low || Math.max(1, Math.abs(high)));
  return { suggestedMin: low - margin, suggestedMax: high + margin };
}

function beforeAfterCell(arms: readonly ArmSummary[]): Cell {
  const final = (stage: StageName) => arms.map((arm) => arm.spread(ofStage(stage, ({ final }) => final.perplexity)));
  const series = [final("pretraining"), final("orpo"), final("control")] as const;
  const all = series.flat().flatMap((spread) => spread ? [spread.low, spread.high] : []);
  const low = Math.min(...all), high = Math.max(...all), margin = Math.max(0.02, 0.12 * (high / low - 1));
  return {
    title: "Before and after the second stage",
    subtitle: "validation perplexity after the last step; lower is better",
    plot: dotPlot(armAxis(arms), {
      x: {
        title: "perplexity per token",
        log: true,
        ...(all.length > 0 && { min: low / (1 + margin), max: high * (1 + margin) }),
      },
      series: [
        { values: series[0], style: "hollow" },
        { values: series[1], style: "filled", text: (spread) => significant(spread.mean) },
        { values: series[2], style: "cross" },
      ],
      joined: true,
    }),
  };
}

/** The most steps that the first stage of any model has. */
const firstStageSteps = ({ record: { study } }: Run): number =>
  Math.max(...study.arms.map((arm) => studyOfArm(study, arm).pretraining.steps));

function lossCell(run: Run): Cell {
  const train = curves(run, { stage: "pretraining", ...TRAINING_LOSS }, { style: "faint" });
  const validation = curves(run, { stage: "pretraining", ...VALIDATION_LOSS }, { markers: true });
  const references: Reference[] = baselineReferences(run.record.baselines, "y", "loss");
  const steps = firstStageSteps(run), group = Math.ceil(steps / MOST_POINTS);
  return {
    title: "Stage 1, pretraining: loss",
    subtitle: `faint: training batches${group > 1 ? `, mean of ${group} steps` : ""}; marked: validation`,
    plot: linePlot([...train, ...validation], {
      x: { ...STEP, max: steps },
      y: { title: "nats per token", ...rangeOf([...train, ...validation], references.map(({ value }) => value)) },
      references,
    }),
  };
}

const secondLossCell = (run: Run): Cell =>
  changeCell(run, {
    title: "Stage 2, ORPO: validation loss",
    subtitle: `change since stage 1; solid: β = ${run.record.study.preference.beta}; dashed: control with β = 0`,
    y: { title: "change (nats per token)" },
    ...VALIDATION_LOSS,
  });

/** The curves of the learning rate in the first stage: one for each schedule, with the names of its models if there are several. */
function firstRates(run: Run): Line[] {
  const of = ({ rate }: MetricsLine) => rate, look = looks(run.record.study.arms.map(({ name }) => name));
  const all = run.record.study.arms.map(({ name }) => ({
    name,
    points: curve(run, { arm: name, stage: "pretraining", kind: "train" }, of),
  })).filter(({ points }) => points.length > 0);
  const schedules = [...Map.groupBy(all, ({ points }) => JSON.stringify(points)).values()];
  return schedules.map((own) => ({
    points: at(own, 0).points,
    look: own.length === 1 && schedules.length > 1 ? look(at(own, 0).name) : BLACK,
    ...(schedules.length > 1 && { topName: own.map(({ name }) => name).join(" ") }),
  }));
}

const BLACK: Look = { colour: INK, marker: "circle", rotation: 0 };

/** The learning rate of both stages, one after the other. The second stage is drawn after the longest first stage. */
function rateCell(run: Run): Cell {
  const { study } = run.record, { orpo } = study, steps = firstStageSteps(run), words = firstStageWords(study);
  const first = firstRates(run), rates: Measure = { kind: "train", of: ({ rate }) => rate };
  const second = curves(run, { stage: "orpo", ...rates }).slice(0, 1).map(({ points }) => ({
    points: points.map((point) => ({ ...point, step: point.step + steps })),
    look: BLACK,
  }));
  const both = study.lastStage !== "pretraining", last = scheduleWords(orpo);
  const falls = words.schedule === last ? last : `${words.schedule} (stage 2: ${last})`;
  return {
    title: "Learning rate",
    subtitle: both
      ? `linear warm-up, then ${falls}; peaks ${words.rate} and ${orpo.rate}`
      : `linear warm-up, then ${words.schedule}; peak ${words.rate}`,
    plot: linePlot([...first, ...second], {
      x: both
        ? { title: "step of both stages", min: 0, whole: true, max: steps + orpo.steps }
        : { ...STEP, max: steps },
      y: { title: "rate", min: 0 },
      references: both ? [{ axis: "x", value: steps, label: "stage 2 begins" }] : [],
    }),
  };
}

interface SecondStage extends Measure {
  readonly title: string;
  readonly subtitle: string;
  readonly y: Axis;
  readonly references?: readonly Reference[];
}

/** A curve of every arm: how the measure changed since the first stage. */
function changes(
  run: Run,
  { stage, kind, of }: Measure & { stage: StageName },
  style: Omit<Line, "points" | "look">,
): Line[] {
  const arms = run.record.study.arms.map(({ name }) => name), look = looks(arms);
  return arms.map((arm) => ({ points: curveOfChange(run, { arm, stage, kind }, of), look: look(arm), ...style }))
    .filter(({ points }) => points.length > 0);
}

/** How a held-out measure changed in the second stage, and in its control. Models differ in level by more than they change. */
function changeCell(run: Run, { title, subtitle, y, kind, of }: SecondStage): Cell {
  const lines = [
    ...changes(run, { stage: "orpo", kind, of }, { markers: true }),
    ...changes(run, { stage: "control", kind, of }, { markers: true, style: "dashed" }),
  ];
  const x = { ...STEP, max: run.record.study.orpo.steps }, range = rangeOf(lines, [0]);
  const references: Reference[] = [{ axis: "y", value: 0, label: "stage\u00a01" }];
  return { title, subtitle, plot: linePlot(lines, { x, y: { ...range, ...y }, references }) };
}

/** A measure of the training batches of the second stage by step. */
function secondStageCell(run: Run, { title, subtitle, y, kind, of, references }: SecondStage): Cell {
  const lines = curves(run, { stage: "orpo", kind, of });
  const range = rangeOf(lines, references?.map(({ value }) => value));
  const x = { ...STEP, max: run.record.study.orpo.steps };
  return { title, subtitle, plot: linePlot(lines, { x, y: { ...range, ...y }, references }) };
}

function componentCells(run: Run): Cell[] {
  const { beta, loss } = run.record.study.preference;
  if (loss === "seed") {
    return [secondStageCell(run, {
      title: "Stage 2: loss of the seed's rule",
      subtitle: `(1 + β) × the token loss with β = ${beta}: no rejected continuations, no odds`,
      y: { title: "nats per token" },
      ...TRAINING_LOSS,
    })];
  }
  return [
    secondStageCell(run, {
      title: "ORPO loss, part 1: NLL",
      subtitle: "of prompts and chosen continuations, training pairs",
      y: { title: "nats per token" },
      kind: "train",
      of: ({ nll }) => nll,
    }),
    secondStageCell(run, {
      title: "ORPO loss, part 2: −log σ(log odds)",
      subtitle: `before it is multiplied by β = ${beta}; training pairs; ln 2: no preference`,
      y: { title: "nats" },
      kind: "train",
      of: ({ logSigmoid }) => logSigmoid === undefined ? undefined : -logSigmoid,
      references: [{ axis: "y", value: Math.LN2, label: "ln 2" }],
    }),
  ];
}

function preferenceCells(run: Run): Cell[] {
  const { heldOutPairs, rejected } = run.record.study.preference;
  const rule = rejected === "sample" ? "samples of the stage-1 model" : "shuffled true continuations";
  return [
    changeCell(run, {
      title: "Held-out preference accuracy",
      subtitle: `change since stage 1; ${heldOutPairs} pairs; rejected: ${rule}`,
      y: { title: "change (percentage points)" },
      kind: "preference",
      of: ({ accuracy }) => accuracy === undefined ? undefined : 100 * accuracy,
    }),
    changeCell(run, {
      title: "Held-out preference margin",
      subtitle: "change of the mean log-probability of chosen minus rejected",
      y: { title: "change (nats per token)" },
      kind: "preference",
      of: ({ margin }) => margin,
    }),
    changeCell(run, {
      title: "Held-out log odds",
      subtitle: "change of the mean log of the odds ratio, chosen over rejected",
      y: { title: "change (nats)" },
      kind: "preference",
      of: ({ logOdds }) => logOdds,
    }),
  ];
}

const logProbabilityCells = (run: Run): Cell[] =>
  (["chosen", "rejected"] as const).map((name) =>
    changeCell(run, {
      title: `Held-out ${name} log-probability`,
      subtitle: "change since stage 1, mean over completion tokens",
      y: { title: "change (nats per token)" },
      kind: "preference",
      of: (line) => line[`${name}Logp`],
    })
  );

function legendCell(run: Run, arms: readonly ArmSummary[]): Cell {
  const keys = run.record.study.lastStage === "pretraining"
    ? [{ sample: "line", text: "validation" }, { sample: "faint", text: "training batches" }] as const
    : [
      { sample: "hollow", text: "after pretraining" },
      { sample: "filled", text: "after ORPO" },
      { sample: "tick", text: "after the control (β = 0)" },
      { sample: "line", text: "ORPO, or validation in stage 1" },
      { sample: "dashed", text: "control (β = 0): no preference" },
      { sample: "faint", text: "training batches" },
    ] as const;
  const notes = [spreadNote(run)];
  const paint: Cell["paint"] = (brush, box) => drawLegend(brush, box, { axis: armAxis(arms), keys, notes });
  return { title: "Legend", paint };
}

/**
 * Draws both stages in eleven plots and a legend, or the first stage alone in two if the study has no second stage. Returns
 * the bytes of a PNG.
 */
export function stagesChart(run: Run): Promise<Uint8Array> {
  const arms = summaries(run);
  const both = run.record.study.lastStage !== "pretraining";
  const second = [...componentCells(run), ...preferenceCells(run), ...logProbabilityCells(run)];
  return drawSheet({
    title: both ? "Two stages of training" : "Training",
    subtitle: sizeOf(run),
    footer: footerOf(run),
    columns: 3,
    cells: [
      ...(both ? [beforeAfterCell(arms)] : []),
      lossCell(run),
      ...(both ? [secondLossCell(run)] : []),
      rateCell(run),
      ...(both ? second : []),
      legendCell(run, arms),
    ],
    cellHeight: Math.max(310, 80 + 46 * arms.length),
  });
}
