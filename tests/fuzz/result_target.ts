import { strict as assert } from "node:assert";
import { parseJson } from "../../core/disk/mod.ts";
import { armResultOf, recallResultOf } from "../../core/record/mod.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

const quality = { step: 1, loss: 1.5, perplexity: 4.5, bitsPerByte: null };
/** The result of a stage. */
export const stage = { steps: 1, tokens: 9, final: quality, best: quality, train_s: 0.5 };
const measures = { step: 0, accuracy: 0.5, margin: 0, logOdds: null, chosenLogp: -1, rejectedLogp: -2 };
/** result.json of an arm. */
export const RESULT = {
  ...{ arm: "hymba", seed: 1, parameters: 7 },
  cache: { layerRatio: 2, kvBytes: 8, stateBytes: 8, byteRatio: 1.5 },
  memory: { arenaBytes: 1, slotBytes: 2, peakBytes: 3 },
  stages: { pretraining: stage, orpo: { ...stage, preference: { before: measures, after: measures } } },
  samples: [{ stage: "orpo", prompt: "<script>", text: "=cmd()" }],
};
/** recall/NAME-SEED.json. */
export const RECALL = {
  ...{ arm: "mamba", seed: 1, parameters: 7, steps: 3, loss: 0.5, train_s: 1 },
  accuracies: [{ least: 4, most: 7, queries: 9, accuracy: 0.25 }],
};

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const made = dice.pick<object>([RESULT, RECALL]), sound = dice.once(2);
  return {
    bytes: new TextEncoder().encode(JSON.stringify(sound ? made : spoilt(JSON.parse(JSON.stringify(made)), dice))),
    sound,
  };
}

/** One reader gets the inputs with `accuracies`, the other the rest; in a run the file name decides. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const value = parseJson(new TextDecoder().decode(bytes), "input");
  const recall = typeof value === "object" && value !== null && Object.hasOwn(value, "accuracies");
  const { arm, seed } = recall ? recallResultOf(value, "input") : armResultOf(value, "input");
  assert(Number.isSafeInteger(seed) && !/[./\\\0]/.test(arm));
  return true;
}

/** The readers of the results of an arm: result.json and recall/NAME-SEED.json. */
export const resultTarget: FuzzTarget = { generate, parse };
