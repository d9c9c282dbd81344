import { strict as assert } from "node:assert";
import { parseJson } from "../../core/disk/mod.ts";
import { failureOf, keptPairsOf, stageRecordOf, stageStateOf } from "../../core/record/mod.ts";
import type { Dice } from "./dice.ts";
import { RESULT, stage } from "./result_target.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

const log = { bytes: 3, sha256: "0".repeat(64) };
const evaluation = { step: 1, loss: 1.5, perplexity: 4.5, bitsPerByte: null };
const measures = RESULT.stages.orpo.preference.before;
const pair = { prompt: [1, 2], chosen: [3], rejected: [383] };
const VOCABULARY = { vocabSize: 384 };

/** arms/NAME-SEED/STAGE.json, failure.json and pairs.json, and state.json of a checkpoint: a valid file and its reader. */
export const PROGRESS: Record<string, [sound: object, read: (value: unknown, path: string) => void]> = {
  "stage.json": [
    { result: stage, samples: RESULT.samples, memory: RESULT.memory, log },
    stageRecordOf,
  ],
  "failure.json": [{ message: "<script>", log }, failureOf],
  "pairs.json": [
    { train: [pair, pair], heldOut: [pair] },
    (value, path) => keptPairsOf(value, path, VOCABULARY),
  ],
  "state.json": [
    { best: evaluation, last: evaluation, before: measures, after: measures, train_s: 1 },
    stageStateOf,
  ],
};
const SOUND = Object.values(PROGRESS).map(([sound]) => JSON.stringify(sound));

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const made = dice.pick(SOUND), sound = dice.once(2);
  return { bytes: new TextEncoder().encode(sound ? made : JSON.stringify(spoilt(JSON.parse(made), dice))), sound };
}

/** Each reader gets the inputs that have a field of its file alone; in a run the file name decides. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const value = parseJson(new TextDecoder().decode(bytes), "input");
  const has = (field: string) => typeof value === "object" && value !== null && Object.hasOwn(value, field);
  if (has("heldOut")) {
    keptPairsOf(value, "input", VOCABULARY);
    const { train, heldOut } = value as Record<string, (typeof pair)[]>;
    for (const { prompt, chosen, rejected } of [...train!, ...heldOut!]) {
      for (const token of [...prompt, ...chosen, ...rejected]) {
        assert(Uint32Array.of(token)[0] === token && token < 384);
      }
    }
  } else if (has("message")) failureOf(value, "input");
  else if (has("result")) stageRecordOf(value, "input");
  else stageStateOf(value, "input");
  return true;
}

/** The readers of the files of an unfinished arm. */
export const progressTarget: FuzzTarget = { generate, parse };
