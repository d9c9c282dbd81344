/** The files of a preference task with an oracle: its settings, its pairs, the rates that were tried, and its results. */
import { type Attribute, ATTRIBUTES } from "../data/oracle.ts";
import {
  type Checked,
  digest,
  list,
  measure,
  nullOr,
  number,
  object,
  oneOf,
  pattern,
  readAs,
  text,
  whole,
} from "../file_schema.ts";

const attributes = Object.keys(ATTRIBUTES) as Attribute[];
const MANY = 1_000_000;

const settings = object({
  model: text({ max: 64 }),
  seed: whole(),
  attribute: oneOf(attributes),
  /** Prompts with two samples each. */
  contests: whole({ min: 2, max: MANY }),
  /** Fresh prompts of the outcome, and those by which the rate is chosen. */
  prompts: whole({ min: 2, max: MANY }),
  developmentPrompts: whole({ min: 2, max: MANY }),
  betas: list(number({ min: 0, max: 1e6 }), { min: 1, max: 32 }),
  /** Updates after which a model is measured, in rising order. */
  steps: list(whole({ min: 1, max: MANY }), { min: 1, max: 32 }),
  rates: list(number({ min: 0, max: 1e3 }), { min: 1, max: 32 }),
  /** Pairs of an update. */
  batch: whole({ min: 1, max: 65_536 }),
  /** Nats per token that the validation loss may rise by with the rate that is chosen. */
  mostLoss: number({ min: 0, max: 100 }),
});

/** What a task is told. */
export type OracleSettings = Checked<typeof settings>;

const task = object({ format: oneOf([1]), settings, weights: digest });

/** task.json: the settings, and the SHA-256 of the stage-1 weights. */
export type OracleTask = Checked<typeof task>;
export const oracleTaskOf = (value: unknown, path: string): OracleTask => readAs(task, value, path);

const tokens = list(whole({ max: 2 ** 31 }), { min: 1, max: 65_536 });

const pairs = object({
  /** The oracle prefers texts in which the attribute is at least so large. */
  least: number(),
  /** Of all samples, and of the pairs before they were balanced. */
  share: number({ min: 0, max: 1 }),
  contests: whole(),
  /** Mean log-probability of chosen minus rejected samples, nats per token, after balancing. */
  lead_nats: number(),
  pairs: list(object({ prompt: tokens, chosen: tokens, rejected: tokens }), { min: 1, max: MANY }),
});

/** pairs.json */
export type OraclePairs = Checked<typeof pairs>;
export const oraclePairsOf = (value: unknown, path: string): OraclePairs => readAs(pairs, value, path);

const tried = object({ rate: number(), share: nullOr(measure), loss_nats: nullOr(measure) });

const rates = object({ beta: number(), rate: number(), tried: list(tried, { min: 1, max: 32 }) });

/** rate-BETA.json: the rate that is chosen, and what all rates gave on development; null where a training diverged. */
export type OracleRates = Checked<typeof rates>;
export const oracleRatesOf = (value: unknown, path: string): OracleRates => readAs(rates, value, path);

const point = object({
  steps: whole(),
  /** 1 where the sample of a prompt has the attribute, one letter for each prompt. */
  hits: pattern(/^[01]{1,1000000}$/, "a text of zeros and ones"),
  loss_nats: measure,
  /** Log-probability of the model's own samples minus that by stage 1, nats per token. */
  kl_nats: measure,
});

const result = object({
  name: text({ max: 64 }),
  beta: nullOr(number()),
  shuffled: oneOf([true, false]),
  rate: nullOr(number()),
  points: list(point, { max: 32 }),
  /** Why the training ended early, where it did. */
  failure: nullOr(text({ max: 10_000 })),
});

/** NAME.json: what one model came to. `beta` and `rate` are null for stage 1 untouched. */
export type OracleResult = Checked<typeof result>;
export const oracleResultOf = (value: unknown, path: string): OracleResult => readAs(result, value, path);
