/** Checks the files that an arm leaves behind before their types are believed. Throws a HymbaError with the file and the path of the value. */
import type { ArmResult, RecallResult } from "./types.ts";
import { armName, count, digest, long, measure, quality, RECORD_LIMITS, STAGES } from "./rules.ts";
import { either, list, number, object, oneOf, type Rule, whole } from "./schema.ts";

const preference = {
  step: count,
  accuracy: measure,
  margin: measure,
  logOdds: measure,
  chosenLogp: measure,
  rejectedLogp: measure,
};
const evaluation = object({ step: count, ...quality });
const stageResult = object(
  { steps: count, tokens: count, final: evaluation, best: evaluation, train_s: measure, tokens_per_s: measure },
  { preference: object({ before: object(preference), after: object(preference) }) },
);

const memory = object({ arenaBytes: count, slotBytes: count, peakBytes: count });
const generation = object({ tokens_per_s: measure, newTokens: count });
const samples = list(object({ stage: oneOf(STAGES), prompt: long, text: long }), { max: RECORD_LIMITS.samples });

const result = object({
  arm: armName,
  seed: count,
  parameters: count,
  cache: object({ layerRatio: number(), kvBytes: count, stateBytes: count }, { byteRatio: number() }),
  memory,
  stages: object({}, { pretraining: stageResult, orpo: stageResult, control: stageResult }),
  generation,
  samples,
}, { failure: long });

const recallResult = object({
  ...{ arm: armName, seed: count, parameters: count, steps: count, loss: measure, train_s: measure },
  accuracies: list(object({ least: count, most: count, queries: count, accuracy: measure }), { min: 1, max: 64 }),
});

const logPosition = object({ bytes: count, sha256: digest });
const stageRecord = object({ result: stageResult, samples, memory, generation, log: logPosition });
const failure = object({ message: long, log: logPosition });

/** arms/NAME-SEED/result.json */
export function armResultOf(value: unknown, path: string): ArmResult {
  result(value, path);
  return value as ArmResult;
}

/** recall/NAME-SEED.json */
export function recallResultOf(value: unknown, path: string): RecallResult {
  recallResult(value, path);
  return value as RecallResult;
}

const nothingOr = (rule: Rule) => either(oneOf([null]), rule);
const stageState = object({
  ...{ best: nothingOr(evaluation), last: nothingOr(evaluation), train_s: measure },
  ...{ before: nothingOr(object(preference)), after: nothingOr(object(preference)) },
});

/** What a stage keeps in a checkpoint besides tensors: state.json. */
export function requireStageState(value: unknown, path: string): void {
  stageState(value, path);
}

/** What an arm keeps of a stage that is done: arms/NAME-SEED/STAGE.json. */
export function requireStageRecord(value: unknown, path: string): void {
  stageRecord(value, path);
}

/** Why an arm stopped for good: arms/NAME-SEED/failure.json. */
export function requireFailure(value: unknown, path: string): void {
  failure(value, path);
}

/** The pairs of an arm, lists of tokens below `vocabSize`: arms/NAME-SEED/pairs.json. */
export function requirePairs(value: unknown, path: string, { vocabSize }: { vocabSize: number }): void {
  const tokens = list(whole({ max: vocabSize - 1 }), { min: 1, max: RECORD_LIMITS.pairTokens });
  const pair = object({ prompt: tokens, chosen: tokens, rejected: tokens }), max = RECORD_LIMITS.pairs;
  object({ train: list(pair, { min: 1, max }), heldOut: list(pair, { max }) })(value, path);
}
