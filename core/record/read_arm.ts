/** The files that an arm leaves behind: their schemas, and their types. */
import {
  type Checked,
  digest,
  list,
  measure,
  nullOr,
  number,
  object,
  optional,
  readAs,
  whole,
} from "../file_schema.ts";
import { armName, count, long, quality, RECORD_LIMITS, stage } from "./rules.ts";

const evaluation = object({ step: count, ...quality });

/** The quality at a step. */
export type Evaluation = Checked<typeof evaluation>;

const preferenceMeasures = object({
  step: count,
  /** Share of pairs whose chosen continuation is more likely. */
  accuracy: measure,
  /** Mean of chosen minus rejected log-probability. */
  margin: measure,
  logOdds: measure,
  chosenLogp: measure,
  rejectedLogp: measure,
});

/** Preference measures on held-out pairs; log-probabilities are means per completion token. */
export type PreferenceMeasures = Checked<typeof preferenceMeasures>;

const stageResult = object({
  steps: count,
  tokens: count,
  final: evaluation,
  best: evaluation,
  /** Before the first step, and after the last. */
  preference: optional(object({ before: preferenceMeasures, after: preferenceMeasures })),
  train_s: measure,
});

/** The results of a stage. */
export type StageResult = Checked<typeof stageResult>;

const sample = object({ stage, prompt: long, text: long });

/** A text that a model wrote after a stage. */
export type Sample = Checked<typeof sample>;

const samples = list(sample, { max: RECORD_LIMITS.samples });
const memory = object({ arenaBytes: count, slotBytes: count, peakBytes: count });

const result = object({
  arm: armName,
  seed: count,
  parameters: count,
  cache: object({ layerRatio: number(), byteRatio: optional(number()), kvBytes: count, stateBytes: count }),
  /** Bytes of the training plan: parameters, gradients and moments, then activations. */
  memory,
  stages: object({
    pretraining: optional(stageResult),
    orpo: optional(stageResult),
    control: optional(stageResult),
  }),
  samples,
  /** The reason if this arm stopped early. */
  failure: optional(long),
});

/** arms/NAME-SEED/result.json */
export type ArmResult = Checked<typeof result>;

/** Share of right answers in a range of distances. */
const recallAccuracy = object({ least: count, most: count, queries: count, accuracy: measure });

const recallResult = object({
  arm: armName,
  seed: count,
  parameters: count,
  steps: count,
  /** Mean over the last updates, nats per answer. */
  loss: measure,
  /** Share of right answers by the distance of the query from its pair (tokens, ends included). */
  accuracies: list(recallAccuracy, { min: 1, max: 64 }),
  train_s: measure,
  /** The learning rate, if it was chosen for the arm. */
  rate: optional(measure),
  /**
   * The step of the first evaluation with 90 % right answers; null if there was none. Absent without evaluations during
   * training.
   */
  stepsTo90: optional(nullOr(count)),
});

/** The recall of one arm: recall/NAME-SEED.json. */
export type RecallResult = Checked<typeof recallResult>;

/** Where the metrics log ended. */
const log = object({ bytes: count, sha256: digest });
const stageRecord = object({ result: stageResult, samples, memory, log });
const failure = object({ message: long, log });

const stageState = object({
  best: nullOr(evaluation),
  last: nullOr(evaluation),
  train_s: measure,
  before: nullOr(preferenceMeasures),
  after: nullOr(preferenceMeasures),
  /** The state of loss scaling, in f16. */
  lossScale: optional(list(measure, { max: 16 })),
});

/** arms/NAME-SEED/result.json. Throws a HymbaError with the file and the place of the first value that is wrong, as all here. */
export const armResultOf = (value: unknown, path: string): ArmResult => readAs(result, value, path);

/** recall/NAME-SEED.json */
export const recallResultOf = (value: unknown, path: string): RecallResult => readAs(recallResult, value, path);

/** The content of a checkpoint besides tensors: state.json. */
export type StageState = Checked<typeof stageState>;
export const stageStateOf = (value: unknown, path: string): StageState => readAs(stageState, value, path);

/** The record of a finished stage of an arm: arms/NAME-SEED/STAGE.json. */
export type StageRecord = Checked<typeof stageRecord>;
export const stageRecordOf = (value: unknown, path: string): StageRecord => readAs(stageRecord, value, path);

/**
 * The reason why an arm diverged: arms/NAME-SEED/failure.json. It is not trained again, because the same steps would diverge
 * again.
 */
export type Failure = Checked<typeof failure>;
export const failureOf = (value: unknown, path: string): Failure => readAs(failure, value, path);

/** The pairs of an arm, lists of tokens below `vocabSize`: arms/NAME-SEED/pairs.json. */
export function keptPairsOf(value: unknown, path: string, { vocabSize }: { vocabSize: number }) {
  const tokens = list(whole({ max: vocabSize - 1 }), { min: 1, max: RECORD_LIMITS.pairTokens });
  const pair = object({ prompt: tokens, chosen: tokens, rejected: tokens }), max = RECORD_LIMITS.pairs;
  return readAs(object({ train: list(pair, { min: 1, max }), heldOut: list(pair, { max }) }), value, path);
}
