import { strict as assert } from "node:assert";
import { decodeSafetensors, encodeSafetensors } from "../../core/params/safetensors.ts";
import type { Dice } from "./dice.ts";
import type { FuzzTarget } from "./targets.ts";

const SIZES: Record<string, number> = { F64: 8, F32: 4, I64: 8, I32: 4, U32: 4, F16: 2, BF16: 2, U8: 1 };
const NAMES = ["a", "b", "layers.0.w", "é", "", "__proto__", "0", 'q"\\', "\u0000", "\u{1f600}"];

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  data_offsets: number[];
}

/** Faults that keep the JSON well-formed. */
const WRONG: ((entries: Entry[], dice: Dice) => void)[] = [
  (entries, dice) => entries.push(dice.pick(entries)),
  (entries, dice) => dice.pick(entries).data_offsets[0]!++,
  (entries, dice) => dice.pick(entries).data_offsets[1]!++,
  (entries, dice) => dice.pick(entries).data_offsets[1]!--,
  (entries, dice) => dice.pick(entries).data_offsets.reverse().push(1),
  (entries, dice) => dice.pick(entries).shape.push(dice.pick([2, 2 ** 31, 2 ** 53, -1, 0.5])),
  (entries, dice) => dice.pick(entries).dtype = dice.pick(["F8_E4M3", "f32", "", "toString", "U64"]),
  (entries, dice) => {
    for (const entry of entries) entry.data_offsets = entry.data_offsets.map((at) => at + 1 + dice.below(3));
  },
  (entries, dice) => {
    const [one, other] = [dice.pick(entries), dice.pick(entries)];
    one.data_offsets = other.data_offsets;
  },
];

function file(header: string, length: number): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function generate(dice: Dice): { bytes: Uint8Array<ArrayBuffer>; sound: boolean } {
  const entries: Entry[] = [];
  let length = 0;
  for (const name of new Set(Array.from({ length: dice.below(4) }, () => dice.pick(NAMES)))) {
    const dtype = dice.pick(Object.keys(SIZES));
    const shape = Array.from({ length: dice.below(4) }, () => dice.below(4));
    const bytes = shape.reduce((product, size) => product * size, SIZES[dtype]!);
    entries.push({ name, dtype, shape, data_offsets: [length, length += bytes] });
  }
  const sound = entries.length === 0 || dice.once(2);
  if (!sound) { for (let faults = 1 + dice.below(2); faults > 0; faults--) dice.pick(WRONG)(entries, dice); }
  const members = entries.map(({ name, ...entry }) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  if (dice.once(3)) members.push('"__metadata__":{"op":"x"}');
  for (let i = members.length; i > 1; i--) members.push(...members.splice(dice.below(i), 1));
  return { bytes: file(`{${members.join(dice.pick([",", " ,\n"]))}}${" ".repeat(dice.below(8))}`, length), sound };
}

/** Checks the rules of the format on an accepted file, with JSON.parse and its own arithmetic. */
function parse(bytes: Uint8Array<ArrayBuffer>): boolean {
  const { tensors, metadata } = decodeSafetensors(bytes, { name: "input" });
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header: Record<string, Entry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  assert.deepEqual(Object.keys(tensors), names);
  const covered = new Uint8Array(bytes.length - start);
  for (const name of names) {
    const { dtype, shape, data_offsets: [begin, end] } = header[name]!;
    const { data, ...tensor } = tensors[name]!;
    assert.deepEqual(tensor, { dtype, shape });
    assert.equal(data.length * SIZES[dtype]!, end! - begin!);
    assert.deepEqual(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      bytes.slice(start + begin!, start + end!),
    );
    for (let at = begin!; at < end!; at++) covered[at]!++;
  }
  assert(covered.every((times) => times === 1), "a byte is in no tensor or in two");
  const again = decodeSafetensors(encodeSafetensors(tensors, metadata), { name: "again" });
  assert.deepEqual([Object.keys(again.tensors).sort(), again.metadata], [names.toSorted(), metadata]);
  return true;
}

/** The safetensors reader. */
export const safetensorsTarget: FuzzTarget = { generate, parse };
