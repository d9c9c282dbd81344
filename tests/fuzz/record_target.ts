import { strict as assert } from "node:assert";
import { studyOf } from "../../core/study_file/mod.ts";
import { parseJson } from "../../core/disk/mod.ts";
import { runRecordOf } from "../../core/record/mod.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

const quality = { loss: 1.5, perplexity: 4.5, bitsPerByte: null };
/** A valid run record, as JSON. */
export const RECORD = JSON.stringify({
  format: 1,
  study: studyOf("smoke", { models: ["hymba"] }),
  versions: { hymba: "0.1.0" },
  backend: "cpu",
  adapter: { name: "WebAssembly", threads: 2 },
  corpus: { name: "a", bytes: 3, sha256: "0".repeat(64), licence: "none" },
  tokenizer: { sha256: "f".repeat(64), vocabSize: 384 },
  data: { trainTokens: 1, validationTokens: 2, evaluatedTokens: 1, evaluatedBytes: 2 },
  baselines: { unigram: quality, bigram: quality },
  kernels: "0".repeat(64),
  program: { commit: "1".repeat(40), dirty: false },
  processor: "a processor",
  started: "2026-01-01T00:00:00.000Z",
  command: "hymba ablate",
});
const ENCODED = new TextEncoder().encode(RECORD);

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  if (dice.once(2)) return { bytes: ENCODED, sound: true };
  return { bytes: new TextEncoder().encode(JSON.stringify(spoilt(JSON.parse(RECORD), dice))), sound: false };
}

function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const record = runRecordOf(parseJson(new TextDecoder().decode(bytes), "input"), "input");
  assert(record.study.arms.every(({ name, config }) => Object.isFrozen(config) && !/[./\\\0]/.test(name)));
  assert(record.study.seeds.every((seed) => Number.isSafeInteger(seed)));
  return true;
}

/** The reader of run records. */
export const recordTarget: FuzzTarget = { generate, parse };
