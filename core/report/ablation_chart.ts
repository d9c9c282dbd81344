/** ablation_results.png: the results of the study in six plots. */
import { cacheSize } from "../config/mod.ts";
import { at } from "../lists.ts";
import type { Run, StageName } from "../record/mod.ts";
import { footerOf, oneLine, sizeOf, spreadNote, titleOf } from "./caption.ts";
import { type ArmAxis, barPlot, dotPlot, type Series } from "./chart/bars.ts";
import type { Legend } from "./chart/legend.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import type { Reference } from "./chart/plot.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { duration, short, significant } from "./format.ts";
import { faded, looks } from "./palette.ts";
import { comparedPart } from "./statistics.ts";
import { type ArmSummary, failuresOf, type Spread, summaries, testQuality } from "./summary.ts";
import { missingSpeed, steadySpeed, trainingTime } from "./speeds.ts";

/** The losses of the unigram and the bigram model. */
type Baselines = Pick<Run["record"]["baselines"], "unigram" | "bigram">;

const LONGEST_NAME = 26;

/** The name of an arm on an axis. A long name is cut, so that the plot keeps its width. */
function axisName(name: string): string {
  const letters = [...oneLine(name)];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME - 1).join("")}…` : letters.join("");
}

/** The names and looks of the arms of a figure. */
export function armAxis(arms: readonly ArmSummary[]): ArmAxis {
  const names = arms.map(({ name }) => name), look = looks(names);
  return { names: names.map(axisName), looks: names.map(look) };
}

/** The baselines on the compared part of the text. */
const comparedBaselines = (run: Run): Baselines =>
  (comparedPart(run) === "test" && run.test?.baselines) || run.record.baselines;

/** Reference lines at the losses or perplexities of both baselines. */
export function baselineReferences(
  { unigram, bigram }: Baselines,
  axis: "x" | "y",
  measure: "loss" | "perplexity",
): Reference[] {
  return Object.entries({ unigram, bigram }).map(([name, quality]) => {
    const value = quality[measure];
    return { axis, value, label: `${name} ${significant(value)}` };
  });
}

const label = (spread: Spread) => short(spread.mean);

/** The perplexities of every model after a stage, on the compared part of the text. */
function perplexities(run: Run, arms: readonly ArmSummary[], stage: StageName): (Spread | undefined)[] {
  const test = comparedPart(run) === "test";
  return arms.map((arm) =>
    arm.spread((result) => test ? testQuality(run, result, stage)?.perplexity : result.stages[stage]?.final.perplexity)
  );
}

function perplexityCell(run: Run, arms: readonly ArmSummary[]): Cell {
  const part = comparedPart(run), references = baselineReferences(comparedBaselines(run), "x", "perplexity");
  const first = perplexities(run, arms, "pretraining"), second = perplexities(run, arms, "orpo");
  const all = [
    ...references.map(({ value }) => value),
    ...[...first, ...second].flatMap((s) => s ? [s.low, s.high] : []),
  ];
  const text = (spread: Spread) => significant(spread.mean), both = second.some((spread) => spread !== undefined);
  return {
    title: part === "test" ? "Test perplexity" : "Validation perplexity",
    subtitle: `lower is better; logarithmic axis; after ${both ? "each" : "the"} stage's last step`,
    plot: dotPlot(armAxis(arms), {
      x: { title: "perplexity per token", log: true, min: Math.min(...all) / 1.12, max: Math.max(...all) * 1.12 },
      series: both
        ? [{ values: first, style: "hollow" }, { values: second, style: "filled", text }]
        : [{ values: first, style: "hollow", text }],
      references,
    }),
  };
}

const solid = ({ looks }: ArmAxis) => (index: number) => at(looks, index).colour;
const light = ({ looks }: ArmAxis) => (index: number) => faded(at(looks, index).colour, 0.28);

function barCell(
  arms: readonly ArmSummary[],
  { title, subtitle, x }: { title: string; subtitle: string; x: string },
  series: Partial<Series> & Pick<Series, "values">,
): Cell {
  const axis = armAxis(arms);
  const full = { fill: solid(axis), text: label, missing: "not measured", ...series };
  const plot = barPlot(axis, { x: { title: x, suggestedMax: roomAbove(full.values) }, series: [full] });
  return { title, subtitle, plot };
}

/** The end of an axis that leaves room for the text after the longest bar. */
function roomAbove(values: readonly (Spread | undefined)[]): number {
  return 1.18 * Math.max(1e-9, ...values.map((spread) => spread?.high ?? 0));
}

function cacheCell(run: Run, arms: readonly ArmSummary[]): Cell {
  const axis = armAxis(arms), times = (spread: Spread) => `${significant(spread.mean)} ×`;
  const layers = arms.map((arm) => arm.spread(({ cache }) => cache.byteRatio && cache.layerRatio));
  const memory = arms.map((arm) => arm.spread(({ cache }) => cache.byteRatio));
  return {
    title: "Key–value cache reduction",
    subtitle: `against ${run.record.study.arms[0]?.config.nLayers ?? 0} layers of full attention, ` +
      `${run.record.study.sequenceLength} text tokens`,
    plot: barPlot(axis, {
      x: { title: "times smaller", suggestedMax: roomAbove([...layers, ...memory]) },
      series: [
        { values: layers, fill: solid(axis), text: times, missing: "no keys and values" },
        { values: memory, fill: light(axis), text: times },
      ],
      references: [{ axis: "x", value: 1, label: "full attention" }],
    }),
  };
}

/** The lengths of a text at which caches are drawn: 16 to 16,384 tokens. */
const LENGTHS = Array.from({ length: 11 }, (_, i) => 16 * 2 ** i);

/** The memory of a model between two tokens by the length of the text: keys, values, states and columns. */
function memoryCell(arms: readonly ArmSummary[]): Cell {
  const { looks } = armAxis(arms);
  const lines = arms.map(({ arm: { config } }, i): Line => ({
    points: LENGTHS.map((step) => {
      const { kvBytes, stateBytes } = cacheSize(config, step), mean = (kvBytes + stateBytes) / 1024;
      return { step, spread: { mean, low: mean, high: mean, deviation: undefined, count: 1 } };
    }),
    look: at(looks, i),
    markers: true,
  }));
  const axis = { log: true };
  return {
    title: "Memory of one sequence",
    subtitle: "keys, values and Mamba states in f32; both axes logarithmic",
    plot: linePlot(lines, { x: { ...axis, title: "text tokens" }, y: { ...axis, title: "KiB" } }),
  };
}

/** The spread with every value divided by `unit`. */
function inUnit(spread: Spread | undefined, unit: number): Spread | undefined {
  if (!spread) return undefined;
  const { mean, low, high, deviation, count } = spread;
  return { mean: mean / unit, low: low / unit, high: high / unit, deviation: deviation && deviation / unit, count };
}

/** The time of the first stage at the measured speed. The second stage has no measured speed. */
function timeCell(run: Run, arms: readonly ArmSummary[]): Cell {
  const axis = armAxis(arms), seconds = arms.map(({ name }) => trainingTime(run, name));
  const longest = Math.max(1e-9, ...seconds.map((spread) => spread?.high ?? 0));
  const unit = longest > 7200 ? 3600 : longest > 120 ? 60 : 1;
  const values = seconds.map((spread) => inUnit(spread, unit));
  return {
    title: "Time of the first stage",
    subtitle: "lower is better; tokens at the measured speed; 95 % interval",
    plot: barPlot(axis, {
      x: { title: { 3600: "hours", 60: "minutes", 1: "seconds" }[unit], suggestedMax: 1.25 * longest / unit },
      series: [{
        values,
        fill: solid(axis),
        text: (spread) => duration(spread.mean * unit),
        missing: missingSpeed(run),
      }],
    }),
  };
}

function legendOf(run: Run, arms: readonly ArmSummary[]): Legend {
  const notes = [spreadNote(run)];
  const { warning, files, name } = run.record.corpus;
  if (warning && !files) notes.push(`Not the default corpus: ${name}.`);
  notes.push(
    ...failuresOf(run).map(({ arm, seed, reason }) => oneLine(`${arm}, seed ${seed}, stopped early: ${reason}`)),
  );
  const both = run.record.study.lastStage !== "pretraining";
  return {
    axis: armAxis(arms),
    keys: [
      { sample: "hollow", text: "perplexity after pretraining" },
      ...(both ? [{ sample: "filled", text: "perplexity after ORPO" }] as const : []),
      { sample: "solid", text: "cache: layers per distinct cache" },
      { sample: "light", text: "cache: bytes" },
    ],
    notes,
  };
}

/** Draws the six plots and a legend. Returns the bytes of a PNG. */
export function ablationChart(run: Run): Promise<Uint8Array> {
  const arms = summaries(run);
  const cells = [
    perplexityCell(run, arms),
    barCell(
      arms,
      { title: "Inference speed", subtitle: "one sequence, cached; median and 95 % interval", x: "tokens / s" },
      { values: arms.map(({ name }) => steadySpeed(run, name, "generation")), missing: missingSpeed(run) },
    ),
    barCell(arms, { title: "Parameters", subtitle: "embedding and output head are one matrix", x: "parameters" }, {
      values: arms.map((arm) => arm.spread(({ parameters }) => parameters)),
    }),
    cacheCell(run, arms),
    memoryCell(arms),
    timeCell(run, arms),
  ];
  return drawSheet({
    title: titleOf(run),
    subtitle: sizeOf(run),
    footer: footerOf(run),
    columns: 2,
    cells,
    cellHeight: 66 + 46 * Math.max(4, arms.length),
    below: legendOf(run, arms),
  });
}
