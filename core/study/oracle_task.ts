/**
 * A preference task with an oracle. The stage-1 model writes two samples for each prompt, and the one with the attribute is
 * chosen. Models are trained with several β. The outcome is how often fresh samples have the attribute. Controls: β = 0 (only
 * the chosen texts), shuffled labels, and the unchanged stage 1. Every finished part is a file, so a killed task continues
 * with the next part.
 */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import { predictedTokens, type TokenData } from "../data/parts.ts";
import { balanced, type Contest, hasIt, type Oracle, oracleFor } from "../data/oracle.ts";
import { excerpts, type Pair } from "../data/preference.ts";
import { type Disk, lockFolder, makeFolders } from "../disk/mod.ts";
import { Diverged, UsageError } from "../errors.ts";
import { at, mean } from "../lists.ts";
import { randomInteger, STREAMS } from "../random.ts";
import { readJson, writeJson } from "../record/mod.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { preferenceObjective } from "../train/objective.ts";
import { preferencePlan } from "../train/plans.ts";
import { Trainer } from "../train/trainer.ts";
import {
  type OraclePairs,
  oraclePairsOf,
  type OracleRates,
  oracleRatesOf,
  type OracleResult,
  oracleResultOf,
  type OracleSettings,
  oracleTaskOf,
} from "./oracle_files.ts";
import type { OracleModels } from "./oracle_models.ts";

/** The inputs of a task. */
export interface OracleContext {
  readonly disk: Disk;
  /** The folder of the task. */
  readonly folder: string;
  readonly settings: OracleSettings;
  readonly study: StudyConfig;
  readonly tokens: TokenData;
  readonly tokenizer: Tokenizer;
  readonly models: OracleModels;
  readonly signal?: AbortSignal;
  say(line: string): void;
}

/** The results of a task. */
export interface OracleOutcome {
  readonly settings: OracleSettings;
  readonly oracle: Oracle;
  readonly pairs: Omit<OraclePairs, "pairs"> & { readonly count: number };
  readonly rates: readonly OracleRates[];
  readonly results: readonly OracleResult[];
  /** Loss of stage 1 on the scored validation tokens (nats). */
  readonly stageOneLoss: number;
}

/** Random streams of excerpts and samples, one for each use. */
const DRAWS = { contests: 10, development: 11, outcome: 12 } as const;

/** Runs a task, or the rest of one. Throws UsageError if the folder has another task. */
export async function runOracleTask(context: OracleContext): Promise<OracleOutcome> {
  await makeFolders(context.disk, context.folder);
  const held = await lockFolder(context.disk, context.folder);
  try {
    await requireSameTask(context);
    return await new OracleRun(context).run();
  } finally {
    await held.close();
  }
}

async function requireSameTask({ disk, folder, settings, models }: OracleContext): Promise<void> {
  const path = join(folder, "task.json"), now = { format: 1 as const, settings, weights: models.digest };
  const before = await readJson(disk, path, { as: oracleTaskOf });
  if (!before) return await writeJson(disk, path, now);
  const flat = (task: typeof now) => Object.entries({ ...task.settings, weights: task.weights });
  const old = new Map(flat(before)), wanted = new Map(flat(now));
  const changed = [...wanted.keys()].filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(wanted.get(key)));
  if (changed.length === 0) return;
  throw new UsageError(`${folder} holds another preference task`, {
    got: changed.map((key) => `${key}: ${JSON.stringify(old.get(key))} there, ${JSON.stringify(wanted.get(key))} now`)
      .join("\n            "),
    hint: "repeat the first command to continue it, or choose another folder with --out",
  });
}

/** Converts the pairs of a file to tokens. */
const restored = ({ pairs }: OraclePairs): Pair[] =>
  pairs.map(({ prompt, chosen, rejected }) => ({
    prompt: Uint32Array.from(prompt),
    chosen: Uint32Array.from(chosen),
    rejected: Uint32Array.from(rejected),
  }));

/** The pairs with chosen and rejected exchanged in about half of them, so that the labels carry no information. */
export function shuffledLabels(pairs: readonly Pair[], { seed }: { seed: number }): Pair[] {
  const counter = { seed, stream: STREAMS.preference, step: 3_000_000 };
  return pairs.map((pair, i) =>
    randomInteger(counter, i, 2) === 0 ? pair : { ...pair, chosen: pair.rejected, rejected: pair.chosen }
  );
}

/** One training of a task. */
interface Training {
  readonly beta: number;
  readonly rate: number;
  readonly shuffled: boolean;
}

const nameOf = ({ beta, shuffled }: Pick<Training, "beta" | "shuffled">): string =>
  `beta-${beta}${shuffled ? "-shuffled" : ""}`;

/**
 * Share of the updates with rising learning rate. Then the rate is constant, so a shorter training is the start of a longer
 * one.
 */
const WARMUP = 0.1;

class OracleRun {
  constructor(private readonly context: OracleContext) {}

  async run(): Promise<OracleOutcome> {
    const { settings, models } = this.context, kept = await this.#pairs(), pairs = restored(kept);
    const oracle: Oracle = { attribute: settings.attribute, least: kept.least };
    const rates: OracleRates[] = [], results = [await this.#untouched(oracle)];
    for (const beta of settings.betas) rates.push(await this.#rateFor(beta, { pairs, oracle }));
    for (const { beta, rate } of rates) {
      // With β = 0 and shuffled labels, the model trains on other texts. This is another control.
      for (const shuffled of [false, true]) {
        results.push(await this.#result({ beta, rate, shuffled }, { pairs, oracle }));
      }
    }
    const { pairs: { length: count }, ...about } = kept;
    return { settings, oracle, pairs: { ...about, count }, rates, results, stageOneLoss: await models.stageOneLoss() };
  }

  #path(name: string): string {
    return join(this.context.folder, `${name}.json`);
  }

  /** Prompts from the training or the validation text. */
  #prompts(count: number, draw: number): Uint32Array[] {
    const { study: { preference: { promptTokens: prompt } }, tokens, settings: { seed } } = this.context;
    const text = draw === DRAWS.contests ? tokens.train : tokens.validation;
    return excerpts(text, { count, prompt, completion: 1, seed, part: draw }).map(({ prompt }) => prompt);
  }

  async #pairs(): Promise<OraclePairs> {
    const { disk, settings } = this.context, path = this.#path("pairs");
    const before = await readJson(disk, path, { as: oraclePairsOf, most: 256 * 2 ** 20 });
    if (before) return before;
    this.context.say(`sampling two texts for each of ${settings.contests} prompts`);
    const kept = await this.#makePairs(this.#prompts(settings.contests, DRAWS.contests));
    await writeJson(disk, path, kept);
    return kept;
  }

  async #makePairs(prompts: readonly Uint32Array[]): Promise<OraclePairs> {
    const { settings, models, tokenizer } = this.context, first = DRAWS.contests * 10_000_000;
    const both = [
      await models.sample("stage 1", prompts, { first }),
      await models.sample("stage 1", prompts, { first: first + prompts.length }),
    ] as const;
    const texts = both.map((samples) => samples.map((ids) => tokenizer.decode(ids)));
    const logps: number[][] = [];
    for (const samples of both) logps.push(await models.logps("stage 1", prompts, samples));
    const oracle = oracleFor(settings.attribute, texts.flat()), contests: Contest<OraclePairs["pairs"][number]>[] = [];
    for (const [i, prompt] of prompts.entries()) {
      const has = texts.map((all) => hasIt(oracle, at(all, i)));
      if (has[0] === has[1]) continue;
      const chosen = has[0] ? 0 : 1, c = chosen, r = 1 - chosen;
      const pair = { prompt: [...prompt], chosen: [...at(both[c] ?? [], i)], rejected: [...at(both[r] ?? [], i)] };
      contests.push({ pair, chosenLogp: at(at(logps, c), i), rejectedLogp: at(at(logps, r), i) });
    }
    const fair = balanced(contests);
    if (fair.length === 0) {
      throw new UsageError("no pair of samples differs in the attribute", {
        expected: "pairs in which the chosen sample is the likelier one, and pairs in which it is not",
        hint: "use more prompts (--pairs), or another attribute",
      });
    }
    return {
      least: oracle.least,
      share: mean(texts.flat().map((text) => hasIt(oracle, text) ? 1 : 0)),
      contests: contests.length,
      lead_nats: mean(fair.map(({ chosenLogp, rejectedLogp }) => chosenLogp - rejectedLogp)),
      pairs: fair.map(({ pair }) => pair),
    };
  }

  /** Measures which fresh samples have the attribute, and their KL divergence from stage 1. */
  async #measure(
    which: "stage 1" | "trained",
    oracle: Oracle,
    { draw, count }: { draw: number; count: number },
  ): Promise<{ hits: boolean[]; loss_nats: number; kl_nats: number }> {
    const { models, tokenizer } = this.context, prompts = this.#prompts(count, draw);
    const samples = await models.sample(which, prompts, { first: draw * 10_000_000 });
    const hits = samples.map((ids) => hasIt(oracle, tokenizer.decode(ids)));
    if (which === "stage 1") return { hits, loss_nats: await models.stageOneLoss(), kl_nats: 0 };
    const own = await models.logps("trained", prompts, samples),
      before = await models.logps("stage 1", prompts, samples);
    return { hits, loss_nats: await models.loss("trained"), kl_nats: mean(own) - mean(before) };
  }

  async #untouched(oracle: Oracle): Promise<OracleResult> {
    const { disk, settings } = this.context, path = this.#path("stage-1");
    const before = await readJson(disk, path, { as: oracleResultOf });
    if (before) return before;
    this.context.say("measuring stage 1");
    const { hits, ...rest } = await this.#measure("stage 1", oracle, { draw: DRAWS.outcome, count: settings.prompts });
    const points = [{ steps: 0, hits: lettersOf(hits), ...rest }];
    const made = { name: "stage-1", beta: null, shuffled: false, rate: null, points, failure: null };
    await writeJson(disk, path, made);
    return made;
  }

  /** Trains from stage 1 and calls `measure` at each number of steps. Throws Diverged. */
  async #train(
    { beta, rate, shuffled }: Training,
    { pairs, steps, measure }: {
      pairs: readonly Pair[];
      steps: readonly number[];
      measure(step: number): Promise<void>;
    },
  ): Promise<void> {
    const { models, settings: { seed, batch: n }, study, signal } = this.context, most = Math.max(...steps);
    const { promptTokens, completionTokens } = study.preference, { decay, optimizer } = study.orpo;
    models.reset();
    const how = { n, T: promptTokens + completionTokens - 1, decay, optimizer, beta, remat: study.remat };
    const used = shuffled ? shuffledLabels(pairs, { seed }) : pairs;
    const trainer = await Trainer.create(models.executor, models.trained, {
      name: nameOf({ beta, shuffled }),
      objective: preferenceObjective(preferencePlan(models.trained, how), { pairs: used, seed }),
      schedule: { rate, steps: most, warmup: Math.max(1, Math.round(WARMUP * most)), schedule: "constant" },
    });
    try {
      const pauseEvery = steps.reduce((a, b) => commonDivisor(a, b));
      for await (const { step, paused } of trainer.run({ signal, pauseEvery })) {
        if (paused && steps.includes(step)) await measure(step);
      }
    } finally {
      trainer.dispose();
    }
  }

  /** The rate with the most samples that have the attribute, among those with an allowed increase of the loss. */
  async #rateFor(beta: number, { pairs, oracle }: { pairs: readonly Pair[]; oracle: Oracle }): Promise<OracleRates> {
    const { disk, settings, models } = this.context, path = this.#path(`rate-${beta}`);
    const before = await readJson(disk, path, { as: oracleRatesOf });
    if (before) return before;
    const tried: OracleRates["tried"][number][] = [], stageOne = await models.stageOneLoss();
    for (const rate of settings.rates) {
      this.context.say(`β ${beta}: trying the rate ${rate} on development prompts`);
      tried.push(await this.#try({ beta, rate, shuffled: false }, { pairs, oracle }));
    }
    const fit = tried.filter(({ loss_nats }) => loss_nats !== null && loss_nats - stageOne <= settings.mostLoss);
    const [best] = fit.toSorted((a, b) => (b.share ?? 0) - (a.share ?? 0) || a.rate - b.rate);
    const made = { beta, rate: best?.rate ?? Math.min(...settings.rates), tried };
    await writeJson(disk, path, made);
    return made;
  }

  async #try(training: Training, { pairs, oracle }: { pairs: readonly Pair[]; oracle: Oracle }) {
    const { settings: { steps, developmentPrompts: count } } = this.context;
    let found: { share: number | null; loss_nats: number | null } = { share: null, loss_nats: null };
    const measure = async () => {
      const { hits, loss_nats } = await this.#measure("trained", oracle, { draw: DRAWS.development, count });
      found = { share: mean(hits.map(Number)), loss_nats };
    };
    try {
      await this.#train(training, { pairs, steps: [Math.max(...steps)], measure });
    } catch (error) {
      // A rate that diverges is a result, too; it is not chosen.
      if (!(error instanceof Diverged)) throw error;
      this.context.say(error.message);
    }
    return { rate: training.rate, ...found };
  }

  async #result(
    training: Training,
    { pairs, oracle }: { pairs: readonly Pair[]; oracle: Oracle },
  ): Promise<OracleResult> {
    const { disk, settings: { steps, prompts: count } } = this.context,
      name = nameOf(training),
      path = this.#path(name);
    const before = await readJson(disk, path, { as: oracleResultOf });
    if (before) return before;
    this.context.say(`training ${name} with the rate ${training.rate}`);
    const points: OracleResult["points"][number][] = [], { beta, rate, shuffled } = training;
    let failure: string | null = null;
    const measure = async (step: number) => {
      const { hits, ...rest } = await this.#measure("trained", oracle, { draw: DRAWS.outcome, count });
      points.push({ steps: step, hits: lettersOf(hits), ...rest });
    };
    try {
      await this.#train(training, { pairs, steps, measure });
    } catch (error) {
      if (!(error instanceof Diverged)) throw error;
      failure = error.message;
    }
    const made = { name, beta, shuffled, rate, points, failure };
    await writeJson(disk, path, made);
    return made;
  }
}

const lettersOf = (hits: readonly boolean[]): string => hits.map((hit) => hit ? "1" : "0").join("");
const commonDivisor = (a: number, b: number): number => b === 0 ? a : commonDivisor(b, a % b);

/** Most tokens of the validation text that a task scores. */
const SCORED_TOKENS = 20_000;

/** The first pieces of a part, with about `most` tokens. */
export function firstTokens(
  { tokens, starts }: TokenData["validation"],
  most = SCORED_TOKENS,
): TokenData["validation"] {
  const part = { tokens: tokens.subarray(0, most), starts: starts.filter((start) => start < most - 1), bytes: 0 };
  if (predictedTokens(part) > 0) return part;
  throw new UsageError("the validation text is too short", { expected: "two tokens or more" });
}
