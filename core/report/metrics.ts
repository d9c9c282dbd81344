/** detailed_metrics.txt: every number of a run, with units, and what they say. */
import type { StudyConfig } from "../config/mod.ts";
import type { ArmResult, Quality, Run, StageName, StageResult } from "../record/mod.ts";
import { footerOf, line, seedsOf } from "./caption.ts";
import { findings } from "./findings.ts";
import { bytes, duration, fixed, NONE, percent, significant, whole } from "./format.ts";
import { chanceOf, probeOf, recallByArm, taskInWords } from "./recall.ts";
import { comparisons, intervalsRestOn, isClear } from "./statistics.ts";
import { type ArmSummary, ofStage, type Spread, summaries, trainSeconds } from "./summary.ts";
import { type Column, tableLines, wrap } from "./table.ts";

type Format = (value: number) => string;

/** Mean, and the standard deviation of the seeds where they differ by more than rounding. */
export function withDeviation({ mean, low, high, deviation }: Spread, format: Format): string {
  const differ = deviation !== undefined && high - low > 1e-9 * Math.abs(mean);
  return differ ? `${format(mean)} ± ${format(deviation)}` : format(mean);
}

interface Measure extends Column {
  readonly of: (result: ArmResult) => number | undefined;
  readonly format: Format;
}

/** A table of the arms as headings and rows; a report in another form sets it in its own way. */
export interface MetricsTable {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
}

const NAME: Column = { name: "model", align: "left" };

function armTable(arms: readonly ArmSummary[], title: string, measures: readonly Measure[]): MetricsTable {
  const rows = arms.map((arm) => [
    line(arm.name),
    ...measures.map(({ of, format }) => {
      const spread = arm.spread(of);
      return spread ? withDeviation(spread, format) : NONE;
    }),
  ]);
  return { title, columns: [NAME, ...measures], rows };
}

const three: Format = (value) => fixed(value, 3), figures: Format = (value) => significant(value, 4);

function qualityMeasures(stage: StageName): Measure[] {
  const of = (measure: (result: StageResult) => number) => ofStage(stage, measure);
  return [
    { name: "final loss", unit: "nats/token", of: of(({ final }) => final.loss), format: (v) => fixed(v, 4) },
    { name: "final perplexity", of: of(({ final }) => final.perplexity), format: figures },
    { name: "final", unit: "bits/byte", of: of(({ final }) => final.bitsPerByte), format: three },
    { name: "best loss", unit: "nats/token", of: of(({ best }) => best.loss), format: (v) => fixed(v, 4) },
    { name: "best perplexity", of: of(({ best }) => best.perplexity), format: figures },
    { name: "at step", of: of(({ best }) => best.step), format: whole },
    { name: "steps", of: of(({ steps }) => steps), format: whole },
    { name: "tokens", of: of(({ tokens }) => tokens), format: whole },
  ];
}

const baselineRow = (name: string, { loss, perplexity, bitsPerByte }: Quality) => [
  name,
  fixed(loss, 4),
  figures(perplexity),
  three(bitsPerByte),
];

function qualityTables(run: Run, arms: readonly ArmSummary[]): MetricsTable[] {
  const { unigram, bigram } = run.record.baselines;
  const baselines = [baselineRow("unigram baseline", unigram), baselineRow("bigram baseline", bigram)];
  const titles: [StageName, string][] = [
    ["pretraining", "Validation quality after pretraining"],
    ["orpo", "Validation quality after ORPO"],
    ["control", "Validation quality after the control: the second stage with beta = 0"],
  ];
  return titles.map(([stage, title]) => {
    const table = armTable(arms, title, qualityMeasures(stage));
    return { ...table, rows: [...table.rows, ...baselines] };
  });
}

function preferenceTable(run: Run, arms: readonly ArmSummary[]): MetricsTable {
  const { preference } = run.record.study;
  const of = (stage: StageName, when: "before" | "after", name: "accuracy" | "margin" | "logOdds") =>
    ofStage(stage, (result) => result.preference?.[when][name]);
  const columns = (name: "accuracy" | "margin" | "logOdds", title: string, unit: string, format: Format): Measure[] => [
    { name: `${title} before`, unit, of: of("orpo", "before", name), format },
    { name: "after", unit, of: of("orpo", "after", name), format },
    { name: "control", unit, of: of("control", "after", name), format },
  ];
  const rule = preference.rejected === "sample"
    ? `samples of the stage-1 model at temperature ${preference.temperature}`
    : "the true continuation with its tokens shuffled";
  return {
    ...armTable(arms, "Preference on held-out pairs", [
      ...columns("accuracy", "accuracy", "of pairs", percent),
      ...columns("margin", "margin", "nats/token", three),
      ...columns("logOdds", "log odds", "nats", three),
    ]),
    note:
      `${preference.heldOutPairs} pairs. Chosen: the true continuation of ${preference.promptTokens} tokens of text ` +
      `by ${preference.completionTokens} tokens. Rejected: ${rule}. Beta ${preference.beta}; the control is the same ` +
      `stage from the same checkpoint with beta 0, so that what more training does is not taken for preference.`,
  };
}

/** What the margin is made of: log-probabilities of chosen and rejected continuations. */
function logProbabilityTable(arms: readonly ArmSummary[]): MetricsTable {
  const columns = (name: "chosenLogp" | "rejectedLogp", title: string): Measure[] => [
    {
      ...{ name: `${title} before`, unit: "nats/token", format: three },
      of: ofStage("orpo", ({ preference }) => preference?.before[name]),
    },
    {
      ...{ name: "after", unit: "nats/token", format: three },
      of: ofStage("orpo", ({ preference }) => preference?.after[name]),
    },
    {
      ...{ name: "control", unit: "nats/token", format: three },
      of: ofStage("control", ({ preference }) => preference?.after[name]),
    },
  ];
  return armTable(arms, "Log-probabilities of held-out pairs", [
    ...columns("chosenLogp", "chosen"),
    ...columns("rejectedLogp", "rejected"),
  ]);
}

function speedTable(arms: readonly ArmSummary[]): MetricsTable {
  return armTable(arms, "Speed and time", [
    { name: "pretraining", unit: "tokens/s", of: ofStage("pretraining", (s) => s.tokens_per_s), format: figures },
    { name: "ORPO", unit: "tokens/s", of: ofStage("orpo", (s) => s.tokens_per_s), format: figures },
    {
      name: "generation",
      unit: "tokens/s",
      of: ({ generation }) => generation.newTokens > 0 ? generation.tokens_per_s : undefined,
      format: figures,
    },
    { name: "pretraining", unit: "time", of: ofStage("pretraining", ({ train_s }) => train_s), format: duration },
    { name: "ORPO", unit: "time", of: ofStage("orpo", ({ train_s }) => train_s), format: duration },
    { name: "both", unit: "time", of: trainSeconds, format: duration },
  ]);
}

function sizeTable(run: Run, arms: readonly ArmSummary[]): MetricsTable {
  const table = armTable(arms, "Size and memory", [
    { name: "parameters", of: ({ parameters }) => parameters, format: whole },
    { name: "keys, values", unit: "cache", of: ({ cache }) => cache.kvBytes, format: bytes },
    { name: "Mamba state", unit: "cache", of: ({ cache }) => cache.stateBytes, format: bytes },
    { name: "KV reduction", unit: "layers", of: ({ cache }) => cache.byteRatio && cache.layerRatio, format: fixed },
    { name: "KV reduction", unit: "bytes", of: ({ cache }) => cache.byteRatio, format: fixed },
    { name: "weights, moments", unit: "training", of: ({ memory }) => memory.arenaBytes, format: bytes },
    { name: "activations", unit: "training", of: ({ memory }) => memory.slotBytes, format: bytes },
    { name: "peak", unit: "training", of: ({ memory }) => memory.peakBytes, format: bytes },
  ]);
  const { sequenceLength } = run.record.study;
  return {
    ...table,
    note:
      `Caches for one sequence of ${sequenceLength} text tokens in 32-bit floats, meta tokens included. KV reduction ` +
      `in layers is the number of layers over the number of distinct caches, which ignores windows and meta tokens; in ` +
      `bytes it is the cache of full attention in every layer, without meta tokens, over the cache of this model.`,
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

/** Every pair of models on the same validation tokens; empty where their losses were not kept. */
function comparisonTables(run: Run): MetricsTable[] {
  const found = comparisons(run);
  if (found.length === 0) return [];
  const rows = found.map(({ a, b, difference }) => {
    const { mean, interval } = difference, better = line(mean < 0 ? a : b);
    return [
      ...[line(a), line(b), fixed(mean, 4), fixed(interval![0], 4), fixed(interval![1], 4), fixed(Math.exp(mean), 3)],
      isClear(difference) ? `${better} is better` : "no difference beyond noise",
    ];
  });
  return [{
    title: "Paired differences of validation loss after the last stage",
    columns: COMPARISON_COLUMNS,
    rows,
    note: `${
      intervalsRestOn(run)
    } Of ${found.length} intervals between equal models, one in twenty would leave out zero.`,
  }];
}

/** What the arms recall; empty where they were not probed. */
function recallTables(run: Run): MetricsTable[] {
  if (run.recall.length === 0) return [];
  const probe = probeOf(run), { ranges } = probe.recall;
  const rows = recallByArm(probe).map(({ name, accuracies, results }) => [
    line(name),
    ...accuracies.map((spread) => withDeviation(spread, percent)),
    whole(results[0]!.parameters),
    duration(results.reduce((sum, { train_s }) => sum + train_s, 0) / results.length),
  ]);
  const distances = ranges.map(([least, most]): Column => ({ name: `${least} to ${most}`, unit: "tokens" }));
  return [{
    title: "Associative recall: right answers by distance",
    columns: [NAME, ...distances, { name: "parameters" }, { name: "training", unit: "time" }],
    rows,
    note: `${taskInWords(probe.recall)}. Chance: ${
      percent(chanceOf(probe.recall))
    }. Small models of their own, not of one size.`,
  }];
}

/** The tables of a run in the order of the report. */
export function metricsTables(run: Run): MetricsTable[] {
  const arms = summaries(run);
  return [
    ...qualityTables(run, arms),
    ...comparisonTables(run),
    preferenceTable(run, arms),
    logProbabilityTable(arms),
    ...recallTables(run),
    speedTable(arms),
    sizeTable(run, arms),
  ];
}

/** What the tokenizer was trained on, and which part of the text trains. */
const dataWords = ({ profile, trainFraction }: StudyConfig): { tokenizer: string; train: string } =>
  profile === undefined
    ? { tokenizer: "trained on the training part only", train: `first ${percent(trainFraction)}` }
    : {
      tokenizer:
        "lower case without spaces, trained on validation text too (lossy: bits per byte are of the share of the " +
        "text that was validated)",
      train: `shuffled sequences, ${percent(trainFraction)} of them,`,
    };

/** What the run was: a name and a value each. */
export function recordRows({ record }: Run): [name: string, value: string][] {
  const { study, corpus, tokenizer, data, versions, adapter } = record;
  const { pretraining, orpo } = study;
  const joined = (values: Readonly<Record<string, string | number>>) =>
    Object.entries(values).map(([name, value]) => `${name} ${value}`).join(", ");
  const words = dataWords(study);
  const rows: [string, string][] = [
    ["command", record.command],
    ["preset", `${study.preset}, seeds ${study.seeds.join(", ")}`],
    ...(study.profile ? [["profile", `${study.profile}: the documented study as it was`] as [string, string]] : []),
    ["started", record.started],
    ["corpus", `${corpus.name}, ${whole(corpus.bytes)} bytes, licence: ${corpus.licence}`],
    ["corpus SHA-256", corpus.sha256],
    ...(corpus.warning ? [["corpus note", corpus.warning] as [string, string]] : []),
    ["tokenizer", `Unigram, ${whole(tokenizer.vocabSize)} pieces, ${words.tokenizer}`],
    ["tokenizer SHA-256", tokenizer.sha256],
    [
      "data",
      `${words.train} to train on (${whole(data.trainTokens)} tokens), the rest to validate ` +
      `(${whole(data.validationTokens)} tokens; ${whole(data.evaluatedTokens)} predicted, ${
        whole(data.evaluatedBytes)
      } bytes of text)`,
    ],
    [
      "stage 1",
      `${pretraining.steps} steps of ${pretraining.batch} × ${study.sequenceLength} tokens, peak rate ${pretraining.rate}`,
    ],
    ["stage 2", `${orpo.steps} steps of ${orpo.batch} pairs, peak rate ${orpo.rate}, loss ${study.preference.loss}`],
    ["computed by", `${record.backend}: ${joined(adapter)}`],
    ["versions", joined(versions)],
  ];
  return rows.map(([name, value]) => [name, line(value)]);
}

const DEFINITIONS = [
  "Loss: mean negative log-likelihood per predicted token on the whole validation part. Perplexity: e to the loss. Bits per " +
  "byte: the same loss per byte of the original text, the one to compare with other tokenizers.",
  "Final: after the last step. Best: the lowest of all evaluations of the stage, chosen on the validation text itself and " +
  "therefore a little too good.",
  "Baselines: single tokens and pairs of tokens counted on the training part with the same tokenizer.",
];

/** The whole report as text. Means are over seeds; with several seeds ± is their standard deviation. */
export function metricsText(run: Run): string {
  const { most, words } = seedsOf(run);
  const uncertainty = most === 1
    ? "One seed: no uncertainty of training can be given."
    : `Means over ${words} seeds; ± is the standard deviation of the seeds.`;
  const lines = ["Detailed metrics", footerOf(run), "", "FINDINGS"];
  for (const finding of findings(run)) lines.push(...wrap(`• ${finding}`, { indent: "  " }));
  lines.push("", uncertainty);
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
