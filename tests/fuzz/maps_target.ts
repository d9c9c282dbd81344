import { strict as assert } from "node:assert";
import { decodeMaps } from "../../core/record/mod.ts";
import { encodeSafetensors, type StoredTensor } from "../../core/params/safetensors.ts";
import type { Dice } from "./dice.ts";
import { spoilt } from "./spoil.ts";
import type { FuzzTarget } from "./targets.ts";

/** Ways in which tensors contradict the metadata of the file. */
const WRONG: readonly ((tensors: Record<string, StoredTensor>, name: string) => void)[] = [
  (tensors, name) => delete tensors[name],
  (tensors, name) => tensors[name] = { dtype: "F32", shape: [3], data: new Float32Array(3) },
  (tensors, name) => tensors[name] = { dtype: "F64", shape: [1], data: new Float64Array(1) },
  (tensors, name) => tensors[`${name}.heads`] = { dtype: "U8", shape: [997], data: new Uint8Array(997) },
  (tensors, name) => tensors[`${name}.heads`] = { dtype: "F32", shape: [1], data: new Float32Array(1) },
];

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const tensors: Record<string, StoredTensor> = {}, about: object[] = [];
  for (let layer = dice.below(2); layer < 3; layer += 1 + dice.below(2)) {
    // From 2 on: a triangle of one cell fits any number of heads.
    const P = 2 + dice.below(4), heads = dice.below(3), cells = P * (P + 1) / 2;
    tensors[`layer.${layer}`] = { dtype: "F32", shape: [P, P], data: new Float32Array(P * P).fill(1 / P) };
    if (heads > 0) {
      const data = new Uint8Array(heads * cells).fill(dice.below(256));
      tensors[`layer.${layer}.heads`] = { dtype: "U8", shape: [heads, cells], data };
    }
    const labels = Array.from({ length: P }, () => dice.pick(["the", "é", "\u202e", "=cmd()", "<script>", ""]));
    about.push({ layer, kind: dice.pick(["global", "local"]), positions: P, metaTokens: 1, window: 4, labels });
  }
  const sound = dice.once(2), whole = sound || dice.once(2);
  if (!sound && whole) dice.pick(WRONG)(tensors, dice.pick(Object.keys(tensors).filter((name) => !/heads/.test(name))));
  const metadata: Record<string, string> = { maps: JSON.stringify(whole ? about : spoilt(about, dice)) };
  if (dice.once(2)) metadata.labels = JSON.stringify(whole ? ["the", "\u202e"] : spoilt(["the"], dice));
  return { bytes: encodeSafetensors(tensors, metadata), sound };
}

/** Every accepted map has the size that it states, and complete heads. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  for (const { positions, probabilities, heads, labels, layer } of decodeMaps(bytes, "input")) {
    assert.equal(probabilities.length, positions ** 2);
    assert.equal((heads?.length ?? 0) % (positions * (positions + 1) / 2), 0);
    assert(Number.isSafeInteger(layer) && labels.every((label) => typeof label === "string"));
  }
  return true;
}

/** The reader of attention maps: a safetensors file whose metadata describes its tensors. */
export const mapsTarget: FuzzTarget = { generate, parse };
