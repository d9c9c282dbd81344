/** Differences between the models of several runs, paired token by token and seed by seed. */
import { EQUIVALENCE_MARGIN } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { compareFamily, type Comparison } from "../eval/comparison.ts";
import { blockMeans, blocksOf, type Training } from "../eval/text_blocks.ts";
import { at } from "../lists.ts";
import type { Run, StageName, TokenLosses } from "../record/mod.ts";
import { fixed } from "./format.ts";
import { asDifference, comparedPart, lastStageOf, type Standing, standingOf } from "./statistics.ts";
import type { Column } from "./text_table.ts";

/** A run and its name in the comparison. */
export interface NamedRun {
  readonly name: string;
  readonly run: Run;
}

/** A model of one run against a model of another: the loss of `b` minus that of `a`. */
export interface RunDifference {
  readonly a: { readonly run: string; readonly model: string };
  readonly b: { readonly run: string; readonly model: string };
  /** Nats per token; the mean over the seeds that both have. */
  readonly loss_a: number;
  readonly loss_b: number;
  readonly difference: number;
  /** 95 % intervals: simultaneous for all differences, and of this one alone. */
  readonly interval: readonly [low: number, high: number];
  readonly interval_alone: readonly [low: number, high: number];
  readonly seeds: number;
  readonly finding: Standing;
}

export interface RunComparison {
  readonly stage: StageName;
  readonly part: "validation" | "test";
  /** Nats per token within which two models are called equal. */
  readonly margin: number;
  readonly blocks: number;
  readonly tokens: number;
  readonly rows: readonly RunDifference[];
}

export interface CompareOptions {
  readonly stage?: StageName;
  readonly margin?: number;
  /** Only these models. */
  readonly models?: readonly string[];
  /**
   * Compare every model of a run with every model of the others, instead of only models of the same name with the first run.
   */
  readonly everyPair?: boolean;
}

/** The facts that determine the compared tokens. Runs that differ in one of them have no tokens in common. */
const textOf = ({ run: { record: { corpus, tokenizer, study, data } } }: NamedRun) => ({
  "the corpus": corpus.sha256,
  "the validation text": corpus.validation?.sha256,
  "the test text": corpus.test?.sha256,
  "the tokenizer": tokenizer.sha256,
  "the part of the corpus": study.characters,
  "the split": JSON.stringify([study.trainFraction, study.split ?? null, study.profile ?? null]),
  "the number of validation tokens": data.validationTokens,
});

/** Throws a UsageError unless all runs were evaluated on the same tokens. */
function requireSameTokens([first, ...others]: readonly NamedRun[]): void {
  if (!first) return;
  const own = Object.entries(textOf(first));
  for (const other of others) {
    const theirs = Object.values(textOf(other));
    const differ = own.filter(([, value], i) => value !== theirs[i]).map(([what]) => what);
    if (differ.length === 0) continue;
    throw new UsageError(`${first.name} and ${other.name} have no tokens in common`, {
      expected: "runs on the same text, cut into the same tokens",
      got: `other: ${differ.join(", ")}`,
      hint: "hymba runs shows bits per byte of both, which are not paired",
    });
  }
}

/** The last stage that every model of every run has finished. */
const commonStage = (runs: readonly NamedRun[]): StageName =>
  runs.every(({ run }) => lastStageOf(run) === "orpo") ? "orpo" : "pretraining";

/** The name of a model of a run in the family of comparisons. */
const keyOf = (run: string, model: string) => `${run} ${model}`;

interface Kept extends TokenLosses {
  readonly run: string;
}

/** The losses of all runs after a stage on one part. Throws a UsageError if a run has none. */
function keptOf(runs: readonly NamedRun[], { stage, part, models }: {
  stage: StageName;
  part: "validation" | "test";
  models: readonly string[] | undefined;
}): Kept[] {
  return runs.flatMap(({ name, run }) => {
    const all = part === "test" ? run.test?.losses ?? [] : run.tokenLosses;
    const own = all.filter((one) => one.stage === stage && (models === undefined || models.includes(one.arm)));
    if (own.length > 0) return own.map((one) => ({ ...one, run: name }));
    throw new UsageError(`${name} has no losses of tokens to compare`, {
      expected: `a model${models ? ` named ${models.join(" or ")}` : ""} that finished the stage ${stage}`,
      got: `models ${run.record.study.arms.map(({ name }) => name).join(", ")}; ${run.results.length} results`,
    });
  });
}

type Side = RunDifference["a"];

/** The compared pairs. Throws a UsageError if there is none. */
function pairsOf(runs: readonly NamedRun[], kept: readonly Kept[], everyPair: boolean): [a: Side, b: Side][] {
  const modelsOf = (run: string) => [...new Set(kept.filter((one) => one.run === run).map(({ arm }) => arm))];
  const sides = runs.map(({ name }) => modelsOf(name).map((model): Side => ({ run: name, model })));
  const pairs = sides.flatMap((others, later) =>
    sides.slice(0, later).flatMap((own, earlier) =>
      !everyPair && earlier > 0
        ? []
        : own.flatMap((a) => others.filter((b) => everyPair || a.model === b.model).map((b): [Side, Side] => [a, b]))
    )
  );
  if (pairs.length > 0) return pairs;
  throw new UsageError("the runs have no model of the same name", {
    got: runs.map(({ name }, i) => `${name}: ${at(sides, i).map(({ model }) => model).join(", ")}`).join("; "),
    hint: "--every-pair compares every model of one run with every model of the others",
  });
}

/**
 * Compares the models of several runs on the same tokens: each later run with the first one, model by model. The intervals are
 * simultaneous. Throws a UsageError if the runs were not evaluated on the same tokens, or have no pair of models or no seed in
 * common. Needs `loadStudent`, which `loadRun` calls.
 */
export function compareRuns(runs: readonly NamedRun[], options: CompareOptions = {}): RunComparison {
  requireSameTokens(runs);
  const { stage = commonStage(runs), models, everyPair = false } = options;
  const part = runs.every(({ run }) => comparedPart(run) === "test") ? "test" : "validation";
  const kept = keptOf(runs, { stage, part, models }), pairs = pairsOf(runs, kept, everyPair);
  const trainings = kept.map(({ run, arm, seed, nats }): Training => ({ arm: keyOf(run, arm), seed, nats }));
  const tokens = at(kept, 0).nats.length;
  const longest = Math.max(...runs.map(({ run }) => run.record.study.sequenceLength));
  const margin = options.margin ?? runs[0]?.run.record.study.equivalenceMargin ?? EQUIVALENCE_MARGIN;
  const blocks = blocksOf(tokens, longest), means = blockMeans(trainings, { blocks });
  const contrasts = pairs.map(([a, b]) => ({ [keyOf(b.run, b.model)]: 1, [keyOf(a.run, a.model)]: -1 }));
  const [answers = []] = compareFamily([{ means, contrasts }]);
  const rows = pairs.flatMap(([a, b], i) => {
    const comparison = answers[i];
    return comparison ? [rowOf({ a, b, comparison, margin, trainings })] : [];
  });
  if (rows.length > 0) return { stage, part, margin, blocks, tokens, rows };
  throw new UsageError("the runs have no seed in common", {
    expected: "models that were trained with the same seed, and so on the same batches",
    got: runs.map(({ name, run }) => `${name}: seeds ${run.record.study.seeds.join(", ")}`).join("; "),
  });
}

function rowOf({ a, b, comparison, margin, trainings }: {
  a: Side;
  b: Side;
  comparison: Comparison;
  margin: number;
  trainings: readonly Training[];
}): RunDifference {
  const of = ({ run, model }: Side) => trainings.filter(({ arm }) => arm === keyOf(run, model));
  const common = (seed: number) => of(a).some((one) => one.seed === seed) && of(b).some((one) => one.seed === seed);
  const lossOf = (side: Side) => {
    const means = of(side).filter(({ seed }) => common(seed))
      .map(({ nats }) => nats.reduce((sum, loss) => sum + loss, 0) / nats.length);
    return means.reduce((sum, mean) => sum + mean, 0) / means.length;
  };
  const { mean: difference, interval, alone: interval_alone, seeds } = comparison;
  const finding = standingOf(asDifference(comparison), margin);
  return { a, b, loss_a: lossOf(a), loss_b: lossOf(b), difference, interval, interval_alone, seeds, finding };
}

/** The comparison as a table. */
export function compareTable({ rows }: RunComparison): { columns: Column[]; rows: string[][] } {
  const same = rows.every(({ a, b }) => a.model === b.model), several = new Set(rows.map(({ b }) => b.run)).size > 1;
  const nameOf = ({ a, b }: RunDifference) => {
    const models = same ? a.model : `${b.model} − ${a.model}`;
    return several ? `${models}, ${b.run}` : models;
  };
  return {
    columns: [
      { name: "model", align: "left" },
      { name: "first run", unit: "nats/token" },
      { name: "other run", unit: "nats/token" },
      { name: "difference", unit: "nats/token" },
      { name: "95 % interval" },
      { name: "seeds" },
      { name: "the other is" },
    ],
    rows: rows.map((row) => [
      nameOf(row),
      fixed(row.loss_a, 4),
      fixed(row.loss_b, 4),
      fixed(row.difference, 4),
      `${fixed(row.interval[0], 4)} to ${fixed(row.interval[1], 4)}`,
      String(row.seeds),
      row.finding,
    ]),
  };
}

/** The basis of the table, in words. */
export function compareNote(runs: readonly NamedRun[], { part, stage, margin, blocks, tokens, rows }: RunComparison) {
  const [first, ...others] = runs.map(({ name }) => name), most = Math.max(...rows.map(({ seeds }) => seeds));
  return `First run: ${first}. Other: ${
    others.join(", ")
  }. Stage ${stage}, ${tokens} ${part} tokens in ${blocks} blocks. ` +
    (most === 1
      ? "One seed: the intervals cover other text, but not other trainings. "
      : "The intervals cover other text and, by Student's t over the seeds, other trainings. ") +
    (rows.length > 1 ? `All ${rows.length} hold together in 95 of 100 cases. ` : "") +
    `Lower is better. Equal: the whole interval lies within ±${margin} nats per token. Undecided: the interval holds ` +
    "zero and values beyond the margin.";
}
