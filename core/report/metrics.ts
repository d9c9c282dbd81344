/** detailed_metrics.txt: the findings of a run and all its numbers with units. */
import {
  type ArmResult,
  FILES,
  type Quality,
  type Run,
  type StageName,
  type StageResult,
  type TestPart,
} from "../record/mod.ts";
import { at } from "../lists.ts";
import { footerOf, oneLine, seedsOf } from "./caption.ts";
import { withoutBranches } from "./branches.ts";
import { findings } from "./findings.ts";
import { bytes, fixed, NONE, percent, significant, whole } from "./format.ts";
import { chanceOf, probeOf, recallByArm, taskInWords } from "./recall.ts";
import {
  comparedPart,
  comparisons,
  intervalsRestOn,
  marginNote,
  marginOf,
  type Standing,
  standingOf,
} from "./statistics.ts";
import { type ArmSummary, ofStage, type Spread, summaries, testQuality } from "./summary.ts";
import { equalCostTables } from "./equal_costs.ts";
import { recordRows } from "./record_rows.ts";
import { type Column, type MetricsTable, tableLines, wrap } from "./text_table.ts";
import { WIDEST } from "../study/medians.ts";
import { speedText, trainingTimeText } from "./speeds.ts";

type Format = (value: number) => string;

/** The mean, and the standard deviation of the seeds if they differ by more than rounding. */
function withDeviation({ mean, low, high, deviation }: Spread, format: Format): string {
  const differ = deviation !== undefined && high - low > 1e-9 * Math.abs(mean);
  return differ ? `${format(mean)} ± ${format(deviation)}` : format(mean);
}

interface Measure extends Column {
  readonly of: (result: ArmResult) => number | undefined;
  readonly format: Format;
}

const NAME: Column = { name: "model", align: "left" };

function armTable(arms: readonly ArmSummary[], title: string, measures: readonly Measure[]): MetricsTable {
  const rows = arms.map((arm) => [
    oneLine(arm.name),
    ...measures.map(({ of, format }) => {
      const spread = arm.spread(of);
      return spread ? withDeviation(spread, format) : NONE;
    }),
  ]);
  return { title, columns: [NAME, ...measures], rows };
}

const decimals = (count: number): Format => (value) => fixed(value, count);
const fourDigits: Format = (value) => significant(value, 4);

function qualityMeasures(stage: StageName): Measure[] {
  const of = (measure: (result: StageResult) => number) => ofStage(stage, measure);
  return [
    { name: "final loss", unit: "nats/token", of: of(({ final }) => final.loss), format: decimals(4) },
    { name: "final perplexity", of: of(({ final }) => final.perplexity), format: fourDigits },
    { name: "final", unit: "bits/byte", of: of(({ final }) => final.bitsPerByte), format: decimals(3) },
    { name: "best loss", unit: "nats/token", of: of(({ best }) => best.loss), format: decimals(4) },
    { name: "best perplexity", of: of(({ best }) => best.perplexity), format: fourDigits },
    { name: "at step", of: of(({ best }) => best.step), format: whole },
    { name: "steps", of: of(({ steps }) => steps), format: whole },
    { name: "tokens", of: of(({ tokens }) => tokens), format: whole },
  ];
}

const baselineRow = (name: string, { loss, perplexity, bitsPerByte }: Quality) => [
  name,
  fixed(loss, 4),
  fourDigits(perplexity),
  fixed(bitsPerByte, 3),
];

/** A title for each stage that the study has. */
function stageTitles({ record: { study } }: Run, what: string): [StageName, string][] {
  const first: [StageName, string] = ["pretraining", `${what} after pretraining`];
  if (study.lastStage === "pretraining") return [first];
  return [first, ["orpo", `${what} after ORPO`], [
    "control",
    `${what} after the control: the second stage with beta = 0`,
  ]];
}

function qualityTables(run: Run, arms: readonly ArmSummary[]): MetricsTable[] {
  const { unigram, bigram } = run.record.baselines;
  const baselines = [baselineRow("unigram baseline", unigram), baselineRow("bigram baseline", bigram)];
  return stageTitles(run, "Validation quality").map(([stage, title]) => {
    const table = armTable(arms, title, qualityMeasures(stage));
    return { ...table, rows: [...table.rows, ...baselines] };
  });
}

/** Qualities on the test part after each stage; empty if it was not evaluated. */
function testTables(run: Run, arms: readonly ArmSummary[]): MetricsTable[] {
  const { test } = run;
  if (!test) return [];
  const measures = (stage: StageName): Measure[] => {
    const of = (name: keyof Quality) => (result: ArmResult) => testQuality(run, result, stage)?.[name];
    return [
      { name: "test loss", unit: "nats/token", of: of("loss"), format: decimals(4) },
      { name: "test perplexity", of: of("perplexity"), format: fourDigits },
      { name: "test", unit: "bits/byte", of: of("bitsPerByte"), format: decimals(3) },
      {
        name: "validation loss",
        unit: "nats/token",
        of: ofStage(stage, ({ final }) => final.loss),
        format: decimals(4),
      },
    ];
  };
  const { unigram, bigram } = test.baselines ?? {};
  const baselines = [
    ...(unigram ? [baselineRow("unigram baseline", unigram)] : []),
    ...(bigram ? [baselineRow("bigram baseline", bigram)] : []),
  ].map((row) => [...row, fixed(run.record.baselines[row[0] === "unigram baseline" ? "unigram" : "bigram"].loss, 4)]);
  return stageTitles(run, "Quality on the test part").map(([stage, title]) => {
    const table = armTable(arms, title, measures(stage));
    return { ...table, rows: [...table.rows, ...baselines], note: readingsNote(test) };
  });
}

/** How often the study evaluated on the test part. Later evaluations by other commands do not change a report. */
function readingsNote({ readings }: TestPart): string {
  const own = readings.filter(({ by }) => by === "study").length;
  const times = own === 1 ? "once" : `in ${own} goes, because it was interrupted,`;
  return `The study read the test part ${times} when all training was done. ${FILES.record} lists every reading.`;
}

/** A held-out preference measure in three columns: before the second stage, after it, and after the control. */
function preferenceColumns(
  name: "accuracy" | "margin" | "logOdds" | "chosenLogp" | "rejectedLogp",
  { title, unit, format }: { title: string; unit: string; format: Format },
): Measure[] {
  const of = (stage: StageName, when: "before" | "after") =>
    ofStage(stage, ({ preference }) => preference?.[when][name]);
  return [
    { name: `${title} before`, unit, of: of("orpo", "before"), format },
    { name: "after", unit, of: of("orpo", "after"), format },
    { name: "control", unit, of: of("control", "after"), format },
  ];
}

const LOG_PROBABILITY = { unit: "nats/token", format: decimals(3) };

function preferenceTable(run: Run, arms: readonly ArmSummary[]): MetricsTable {
  const { preference } = run.record.study;
  const rule = preference.rejected === "sample"
    ? `samples of the stage-1 model at temperature ${preference.temperature}`
    : "the true continuation with its tokens shuffled";
  return {
    ...armTable(arms, "Preference on held-out pairs", [
      ...preferenceColumns("accuracy", { title: "accuracy", unit: "of pairs", format: percent }),
      ...preferenceColumns("margin", { title: "margin", ...LOG_PROBABILITY }),
      ...preferenceColumns("logOdds", { title: "log odds", unit: "nats", format: decimals(3) }),
    ]),
    note: `${preference.heldOutPairs} pairs. Chosen: the ${preference.completionTokens} tokens that follow ` +
      `${preference.promptTokens} tokens of text. Rejected: ${rule}. Beta ${preference.beta}. The control repeats the ` +
      `stage from the same checkpoint with beta 0: it shows the effect of more training without preference.`,
  };
}

/** The two parts of the margin: log-probabilities of chosen and of rejected continuations. */
const logProbabilityTable = (arms: readonly ArmSummary[]): MetricsTable =>
  armTable(arms, "Log-probabilities of held-out pairs", [
    ...preferenceColumns("chosenLogp", { title: "chosen", ...LOG_PROBABILITY }),
    ...preferenceColumns("rejectedLogp", { title: "rejected", ...LOG_PROBABILITY }),
  ]);

/** Speeds, measured at the end of the study, and the time of the first stage that follows from them. */
function speedTable(run: Run, arms: readonly ArmSummary[]): MetricsTable {
  const rounds = run.speeds?.arms[0]?.training_tokens_per_s.length ?? 0;
  return {
    title: "Speed",
    columns: [
      NAME,
      { name: "training", unit: "tokens/s" },
      { name: "first stage", unit: "time" },
      { name: "generation", unit: "tokens/s" },
    ],
    rows: arms.map(({ name }) => [
      oneLine(name),
      speedText(run, name, "training"),
      trainingTimeText(run, name),
      speedText(run, name, "generation"),
    ]),
    note: rounds > 0
      ? `Median of ${rounds} warm rounds in which the models took turns, with a 95 % interval. A value ` +
        `whose interval is wider than a factor of ${WIDEST} is not measurable here. The time of the first stage is its ` +
        `tokens at the measured speed.`
      : undefined,
  };
}

function sizeTable(run: Run, arms: readonly ArmSummary[]): MetricsTable {
  const table = armTable(arms, "Size and memory", [
    { name: "parameters", of: ({ parameters }) => parameters, format: whole },
    { name: "keys, values", unit: "cache", of: ({ cache }) => cache.kvBytes, format: bytes },
    { name: "Mamba state", unit: "cache", of: ({ cache }) => cache.stateBytes, format: bytes },
    { name: "KV reduction", unit: "layers", of: ({ cache }) => cache.byteRatio && cache.layerRatio, format: fixed },
    { name: "KV reduction", unit: "bytes", of: ({ cache }) => cache.byteRatio, format: fixed },
    { name: "weights, moments", unit: "training", of: ({ memory }) => memory.arenaBytes, format: bytes },
    { name: "activations", unit: "allocated", of: ({ memory }) => memory.slotBytes, format: bytes },
    { name: "activations", unit: "live at most", of: ({ memory }) => memory.peakBytes, format: bytes },
  ]);
  const { sequenceLength } = run.record.study;
  return {
    ...table,
    note:
      `Caches for one sequence of ${sequenceLength} text tokens in 32-bit floats, meta tokens included. KV reduction ` +
      `in layers: the number of layers divided by the number of distinct caches; it ignores windows and meta tokens. KV ` +
      `reduction in bytes: the cache of full attention in every layer, without meta tokens, divided by this model's cache. ` +
      `Activations of one update: the buffers that hold them, and the most that is needed at one time.`,
  };
}

const COMPARISON_COLUMNS: readonly Column[] = [
  { name: "model a", align: "left" },
  { name: "model b", align: "left" },
  { name: "a − b", unit: "nats/token" },
  { name: "95 % from", unit: "nats/token" },
  { name: "to", unit: "nats/token" },
  { name: "factor", unit: "perplexity" },
  { name: "finding", align: "left" },
];

/** The result of a comparison of two models, in words. */
const FINDING: Readonly<Record<Standing, (names: readonly [a: string, b: string]) => string>> = {
  lower: ([a]) => `${oneLine(a)} is better`,
  higher: ([, b]) => `${oneLine(b)} is better`,
  equal: () => "equal within the margin",
  undecided: () => "undecided",
};

/** Every pair of models on the same tokens; empty if the losses of the tokens were not stored. */
function comparisonTables(run: Run): MetricsTable[] {
  const found = comparisons(run);
  if (found.length === 0) return [];
  const rows = found.map(({ a, b, difference }) => {
    const { mean, interval } = difference, finding = FINDING[standingOf(difference, marginOf(run))]([a, b]);
    const ends = [interval?.[0], interval?.[1]].map((end) => fixed(end, 4));
    return [oneLine(a), oneLine(b), fixed(mean, 4), ...ends, fixed(Math.exp(mean), 3), finding];
  });
  return [{
    title: `Paired differences of ${comparedPart(run)} loss after the last stage`,
    columns: COMPARISON_COLUMNS,
    rows,
    note: `${intervalsRestOn(run)} ${marginNote(run)}`,
  }];
}

/** The results of the recall probe; empty if the run has none. */
function recallTables(run: Run): MetricsTable[] {
  if (run.recall.length === 0) return [];
  const probe = probeOf(run), { ranges } = probe.recall;
  const rows = recallByArm(probe).map(({ name, accuracies, results }) => [
    oneLine(name),
    ...accuracies.map((spread) => withDeviation(spread, percent)),
    whole(at(results, 0).parameters),
  ]);
  const distances = ranges.map(([least, most]): Column => ({ name: `${least} to ${most}`, unit: "tokens" }));
  return [{
    title: "Associative recall: right answers by distance",
    columns: [NAME, ...distances, { name: "parameters" }],
    rows,
    note: `${taskInWords(probe.recall)}. Chance: ${
      percent(chanceOf(probe.recall))
    }. The probe trains small models, which differ in size.`,
  }];
}

/** The tables of a run in the order of the report. */
export function metricsTables(run: Run): MetricsTable[] {
  const main = withoutBranches(run), arms = summaries(main), second = run.record.study.lastStage !== "pretraining";
  return [
    ...qualityTables(main, arms),
    ...testTables(main, arms),
    ...comparisonTables(main),
    ...equalCostTables(run),
    ...(second ? [preferenceTable(main, arms), logProbabilityTable(arms)] : []),
    ...recallTables(run),
    speedTable(run, arms),
    sizeTable(run, arms),
  ];
}

const DEFINITIONS = [
  "Loss: mean negative log-likelihood per predicted token on the whole validation part. Perplexity: e to the loss. Bits per " +
  "byte: the same loss per byte of the original text. Only bits per byte can be compared across tokenizers.",
  "Final: after the last step. Best: the lowest of all evaluations of the stage. It is chosen on the validation text, which " +
  "makes it a little too good.",
  "Baselines: counts of single tokens and of pairs of tokens in the training part, with the same tokenizer.",
];

/** Explains the numbers of the tables. */
export function meansNote(run: Run): string {
  const { most, words } = seedsOf(run);
  return most === 1
    ? "One seed: the uncertainty of training is unknown."
    : `Means over ${words} seeds; ± is the standard deviation of the seeds.`;
}

/** The whole report as text. */
export function metricsText(run: Run): string {
  const lines = ["Detailed metrics", footerOf(run), "", "FINDINGS"];
  for (const finding of findings(withoutBranches(run))) lines.push(...wrap(`• ${finding}`, { indent: "  " }));
  lines.push("", meansNote(run));
  for (const { title, columns, rows, note } of metricsTables(run)) {
    lines.push("", title.toUpperCase(), ...tableLines(columns, rows));
    if (note) lines.push(...wrap(note));
  }
  lines.push("", "WHAT WAS RUN");
  for (const [name, value] of recordRows(run)) {
    lines.push(...wrap(`${name.padEnd(18)} ${value}`, { indent: " ".repeat(19) }));
  }
  lines.push("", "DEFINITIONS");
  for (const definition of DEFINITIONS) lines.push(...wrap(`• ${definition}`, { indent: "  " }));
  return lines.join("\n") + "\n";
}
