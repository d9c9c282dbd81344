/** The files of a preference task with an oracle: settings, pairs, tried learning rates, and results. */
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
  /** Number of fresh prompts for the outcome, and of prompts for the choice of the learning rate. */
  prompts: whole({ min: 2, max: MANY }),
  developmentPrompts: whole({ min: 2, max: MANY }),
  betas: list(number({ min: 0, max: 1e6 }), { min: 1, max: 32 }),
  /** Numbers of updates after which a model is measured, ascending. */
  steps: list(whole({ min: 1, max: MANY }), { min: 1, max: 32 }),
  rates: list(number({ min: 0, max: 1e3 }), { min: 1, max: 32 }),
  /** Pairs per update. */
  batch: whole({ min: 1, max: 65_536 }),
  /** Largest increase of the validation loss that is allowed for the chosen rate (nats per token). */
  mostLoss: number({ min: 0, max: 100 }),
});

/** The settings of a task. */
export type OracleSettings = Checked<typeof settings>;

const task = object({ format: oneOf([1]), settings, weights: digest });

/** task.json: the settings, and the SHA-256 of the stage-1 weights. */
export type OracleTask = Checked<typeof task>;
export const oracleTaskOf = (value: unknown, path: string): OracleTask => readAs(task, value, path);

const tokens = list(whole({ max: 2 ** 31 }), { min: 1, max: 65_536 });

const pairs = object({
  /** The oracle prefers texts whose attribute is at least this. */
  least: number(),
  /** Share of preferred texts among all samples, and number of pairs before balancing. */
  share: number({ min: 0, max: 1 }),
  contests: whole(),
  /** Mean log-probability of chosen minus rejected samples after balancing (nats per token). */
  lead_nats: number(),
  pairs: list(object({ prompt: tokens, chosen: tokens, rejected: tokens }), { min: 1, max: MANY }),
});

/** pairs.json */
export type OraclePairs = Checked<typeof pairs>;
export const oraclePairsOf = (value: unknown, path: string): OraclePairs => readAs(pairs, value, path);

const tried = object({ rate: number(), share: nullOr(measure), loss_nats: nullOr(measure) });

const rates = object({ beta: number(), rate: number(), tried: list(tried, { min: 1, max: 32 }) });

/** rate-BETA.json: the chosen rate, and the development results of all rates; null if the training diverged. */
export type OracleRates = Checked<typeof rates>;
export const oracleRatesOf = (value: unknown, path: string): OracleRates => readAs(rates, value, path);

const point = object({
  steps: whole(),
  /** One digit per prompt: 1 if its sample has the attribute, else 0. */
  hits: pattern(/^[01]{1,1000000}$/, "a text of zeros and ones"),
  loss_nats: measure,
  /** Log-probability of the model's own samples minus their log-probability under stage 1 (nats per token). */
  kl_nats: measure,
});

const result = object({
  name: text({ max: 64 }),
  beta: nullOr(number()),
  shuffled: oneOf([true, false]),
  rate: nullOr(number()),
  points: list(point, { max: 32 }),
  /** The reason if the training ended early. */
  failure: nullOr(text({ max: 10_000 })),
});

/** NAME.json: the results of one model. `beta` and `rate` are null for the unchanged stage 1. */
export type OracleResult = Checked<typeof result>;
export const oracleResultOf = (value: unknown, path: string): OracleResult => readAs(result, value, path);
