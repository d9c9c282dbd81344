/** Turns the options of the library into a training of the engine. */
import { type Precision, PRECISIONS, SCHEDULES } from "../config/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import { onePiece } from "../data/parts.ts";
import type { Pair } from "../data/preference.ts";
import { counted, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { type Objective, preferenceObjective, textObjective } from "../train/objective.ts";
import { keptIn, preferencePlan, trainingPlan } from "../train/plans.ts";
import { Trainer } from "../train/trainer.ts";
import type { Engine } from "./engine.ts";
import { requireGiven, shown } from "../given.ts";
import type { TrainerOptions } from "./trainer_options.ts";

type Options = TrainerOptions & { tokenizer: Tokenizer | undefined };

/** Every option with its value. */
type Full = Required<Omit<TrainerOptions, "text" | "tokens" | "pairs">> & Pick<TrainerOptions, "pairs">;

const whole = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;
const from = (least: number) => (value: number) => Number.isFinite(value) && value >= least;

/** Throws UsageError that names the first option that is out of range. */
function requireRanges(full: Full): void {
  const { steps, batch, length, accumulate, rate, warmup, decay, seed, beta, precision, schedule } = full;
  const rules: readonly (readonly [name: string, value: unknown, holds: boolean, expected: string])[] = [
    ["steps", steps, whole(1)(steps), "a whole number from 1"],
    ["batch", batch, whole(1)(batch), "a whole number from 1"],
    ["length", length, whole(1)(length), "a whole number from 1"],
    [
      "accumulate",
      accumulate,
      whole(1)(accumulate) && Number(batch) % accumulate === 0,
      `a divisor of batch (${batch})`,
    ],
    ["rate", rate, from(0)(rate), "a number from 0"],
    ["warmup", warmup, whole(0)(warmup) && warmup <= steps, `a whole number from 0 to steps (${steps})`],
    ["decay", decay, from(0)(decay), "a number from 0"],
    ["seed", seed, whole(0)(seed), "a whole number from 0"],
    ["beta", beta, from(0)(beta), "a number from 0"],
    ["precision", precision, PRECISIONS.includes(precision), PRECISIONS.join(", ")],
    ["schedule", schedule, SCHEDULES.includes(schedule), SCHEDULES.join(", ")],
  ];
  for (const [name, value, holds, expected] of rules) {
    if (!holds) throw new UsageError(`training: ${name} is out of range`, { expected, got: shown(value) });
  }
}

/** Options without those that are undefined, which stand for their defaults. */
const withoutUndefined = <T extends object>(given: T): Partial<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>;

function withDefaults({ text: _, tokens: __, tokenizer: ___, ...given }: Options, dModel: number): Full {
  const steps = given.steps ?? 100;
  return {
    batch: 8,
    length: 128,
    accumulate: 1,
    decay: 0.1,
    seed: 1,
    beta: 0.1,
    remat: false,
    precision: "f32" as Precision,
    schedule: "cosine" as const,
    rate: (given.pairs ? 0.025 : 0.25) / dModel,
    warmup: Math.min(100, Math.ceil(Number(steps) / 10)),
    ...withoutUndefined(given),
    steps,
  };
}

/** Ids that the model knows. Throws UsageError for others. */
function checkedIds(ids: ArrayLike<number>, { what, V }: { what: string; V: number }): Uint32Array<ArrayBuffer> {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? NaN;
    if (Number.isInteger(id) && id >= 0 && id < V) continue;
    throw new UsageError(`training: ${what} hold an id that the model does not know`, {
      expected: `whole numbers from 0 to ${V - 1}`,
      got: `${id} at ${i}`,
    });
  }
  return Uint32Array.from(ids);
}

function tokensOf({ text, tokens, tokenizer }: Options): ArrayLike<number> {
  if (text === undefined) return tokens ?? [];
  if (tokenizer) return tokenizer.encode(text);
  throw new UsageError("training: the model has no tokenizer", { expected: "tokens in place of a text" });
}

function requireOneSource({ text, tokens, pairs }: Options): void {
  if ([text, tokens, pairs].filter((source) => source !== undefined).length === 1) return;
  throw new UsageError("training: the data is not clear", { expected: "one of text, tokens and pairs" });
}

/** Pairs of one length whose ids the model knows. Throws UsageError for others. */
function checkedPairs(pairs: NonNullable<TrainerOptions["pairs"]>, V: number): Pair[] {
  const isPair = (pair: unknown) =>
    typeof pair === "object" && pair !== null &&
    ["prompt", "chosen", "rejected"].every((key) => Reflect.get(pair, key)?.length >= 0);
  requireGiven(Array.isArray(pairs) && pairs.every(isPair), "training: the pairs are wrong", {
    expected: "a list of { prompt, chosen, rejected }, each a list of token ids",
    value: pairs,
  });
  const all = pairs.map(({ prompt, chosen, rejected }) => ({
    prompt: checkedIds(prompt, { what: "prompts", V }),
    chosen: checkedIds(chosen, { what: "chosen continuations", V }),
    rejected: checkedIds(rejected, { what: "rejected continuations", V }),
  }));
  const lengths = all.map(({ prompt, chosen, rejected }) => `${prompt.length}, ${chosen.length}, ${rejected.length}`);
  const [first] = all,
    fits = first && first.prompt.length > 0 && first.chosen.length > 0 &&
      first.chosen.length === first.rejected.length && lengths.every((one) => one === lengths[0]);
  if (fits) return all;
  throw new UsageError("training: the pairs do not fit", {
    expected: "at least one pair; prompts of one length, continuations of one length, none empty",
    got: `lengths of prompt, chosen and rejected: ${[...new Set(lengths)].slice(0, 5).join("; ") || "no pairs"}`,
  });
}

function textOf(engine: Engine, options: Options, full: Full): Objective {
  const { batch: B, length: T, accumulate, decay, seed, remat, precision } = full, { store, config } = engine;
  const tokens = checkedIds(tokensOf(options), { what: "the tokens", V: config.vocabSize });
  if (tokens.length < T + 2) {
    throw new UsageError("training: the text is too short", {
      expected: `at least ${T + 2} tokens for sequences of ${T}`,
      got: counted(tokens.length, "token"),
      hint: "use a longer text, or a smaller length",
    });
  }
  const made = trainingPlan(store, { B, T, accumulate, decay, remat, ...keptIn(precision) });
  return textObjective(made, new BatchOrder(onePiece(tokens), { B: B / accumulate, T, seed }));
}

function pairsOf(engine: Engine, given: NonNullable<TrainerOptions["pairs"]>, full: Full): Objective {
  const { batch: n, decay, beta, seed, remat, precision, accumulate } = full, { store, config } = engine;
  const pairs = checkedPairs(given, config.vocabSize), { prompt, chosen } = at(pairs, 0);
  const T = prompt.length + chosen.length - 1;
  return preferenceObjective(preferencePlan(store, { n, T, accumulate, decay, beta, remat, ...keptIn(precision) }), {
    pairs,
    seed,
  });
}

/** Prepares a training. Throws UsageError for options that do not fit. */
export async function startTraining(engine: Engine, options: Options): Promise<Trainer> {
  requireOneSource(options);
  const full = withDefaults(options, engine.config.dModel);
  requireRanges(full);
  const objective = full.pairs ? pairsOf(engine, full.pairs, full) : textOf(engine, options, full);
  const { rate, warmup, steps, schedule } = full;
  return await Trainer.create(engine.executor, engine.store, {
    name: engine.config.archType,
    objective,
    schedule: { rate, warmup, steps, schedule },
  });
}
