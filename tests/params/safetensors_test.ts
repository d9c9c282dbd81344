import { strict as assert } from "node:assert";
import { HymbaError } from "../../core/errors.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  HEADER_LIMITS,
  MAX_HEADER_BYTES,
  type StoredTensor,
} from "../../core/params/safetensors.ts";

const name = "case.safetensors";

const every: Record<string, StoredTensor> = {
  f64: { dtype: "F64", shape: [2], data: Float64Array.of(Math.PI, -0) },
  f32: { dtype: "F32", shape: [3, 1], data: Float32Array.of(1.5, NaN, -Infinity) },
  i64: { dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  i32: { dtype: "I32", shape: [2, 2], data: Int32Array.of(-1, 2, -(2 ** 31), 0) },
  u32: { dtype: "U32", shape: [], data: Uint32Array.of(2 ** 32 - 1) },
  f16: { dtype: "F16", shape: [1], data: Uint16Array.of(0x3c00) },
  bf16: { dtype: "BF16", shape: [3], data: Uint16Array.of(0x3f80, 0, 1) },
  u8: { dtype: "U8", shape: [5], data: Uint8Array.of(1, 2, 3, 4, 255) },
  'none ✓ " \\ \u0000 \u{1f600}': { dtype: "F32", shape: [4, 0, 2], data: new Float32Array() },
  "7": { dtype: "U8", shape: [1], data: Uint8Array.of(7) },
  __proto__x: { dtype: "U8", shape: [1], data: Uint8Array.of(7) },
};

/** A file from a header text and a number of data bytes, without any check. */
function raw(header: string, { data = 0 } = {}): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
const u8 = (begin: number, end: number) => tensor("U8", `[${end - begin}]`, `[${begin},${end}]`);

Deno.test("safetensors: every dtype, shape and name comes back", () => {
  const metadata = { op: "case", "é": 'q"' };
  const { tensors, metadata: found } = decodeSafetensors(encodeSafetensors(every, metadata), { name });
  assert.deepEqual(found, metadata);
  assert.deepEqual(Object.keys(tensors).sort(), Object.keys(every).sort());
  for (const [key, value] of Object.entries(every)) assert.deepEqual(tensors[key], value, key);
});

Deno.test("safetensors: the bytes do not depend on the order of keys, and are the format's", () => {
  const reversed = Object.fromEntries(Object.entries(every).reverse());
  assert.deepEqual(encodeSafetensors(reversed, { b: "2", a: "1" }), encodeSafetensors(every, { a: "1", b: "2" }));
  const bytes = encodeSafetensors({ b: every.u8!, a: every.u32! }, { k: "v" });
  const header = '{"__metadata__":{"k":"v"},"a":{"dtype":"U32","shape":[],"data_offsets":[0,4]},' +
    '"b":{"dtype":"U8","shape":[5],"data_offsets":[4,9]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  assert.equal(new DataView(bytes.buffer).getUint32(0, true), padded.length);
  assert.equal(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length)), padded);
  assert.deepEqual([...bytes.subarray(8 + padded.length)], [255, 255, 255, 255, 1, 2, 3, 4, 255]);
});

Deno.test("safetensors: each tensor of a written file is read in place", () => {
  const bytes = encodeSafetensors(every);
  for (const { data } of Object.values(decodeSafetensors(bytes, { name }).tensors)) {
    assert.equal(data.buffer, bytes.buffer);
  }
});

Deno.test("safetensors: data that is not aligned in the file is read by copy", () => {
  const bytes = raw(`{"a":${u8(0, 1)},"b":${tensor("F64", "[1]", "[1,9]")}}`, { data: 9 });
  new DataView(bytes.buffer).setFloat64(bytes.length - 8, 0.1, true);
  assert.deepEqual(decodeSafetensors(bytes, { name }).tensors.b!.data, Float64Array.of(0.1));
});

Deno.test("safetensors: white space between tokens, no tensors, and no metadata are accepted", () => {
  assert.deepEqual(decodeSafetensors(raw("{}   "), { name }), { tensors: {}, metadata: {} });
  const spaced = ` {\n"a" :\t{ "shape" : [ 1 ] , "data_offsets":[0, 1],\r "dtype":"U8" } } `.trimStart();
  assert.deepEqual(decodeSafetensors(raw(spaced, { data: 1 }), { name }).tensors.a!.shape, [1]);
});

Deno.test("safetensors: a member called __proto__ stays data", () => {
  const { tensors } = decodeSafetensors(raw(`{"__proto__":${u8(0, 1)}}`, { data: 1 }), { name });
  assert.deepEqual(Object.keys(tensors), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(tensors), Object.prototype);
});

const length = (value: bigint, bytes = 16) => {
  const file = raw("{}".padEnd(bytes));
  new DataView(file.buffer).setBigUint64(0, value, true);
  return file;
};
const rejected: [rule: string, file: Uint8Array<ArrayBuffer>, message: RegExp][] = [
  ["an empty file", new Uint8Array(0), /0 bytes, too few/],
  ["fewer bytes than the length takes", new Uint8Array(7), /7 bytes, too few/],
  ["a header longer than the file", length(17n), /byte 0: .*claims 17 bytes[^]*at most 16/],
  ["a header length of 2^64 - 1", length(2n ** 64n - 1n), /claims 18446744073709551615 bytes/],
  ["a header over 16 MiB", length(BigInt(MAX_HEADER_BYTES) + 1n, MAX_HEADER_BYTES + 1), /claims 16777217 bytes/],
  ["an empty header", length(0n), /byte 8: the header does not start with {/],
  ["white space before the header", raw(" {}"), /byte 8: the header does not start with {/],
  ["a byte order mark", raw("\ufeff{}"), /does not start with {/],
  ["an array as header", raw("[]"), /does not start with {/],
  ["a header that ends early", raw('{"a":'), /byte 13: expected {/],
  ["a header without an end", raw("{"), /byte 9: expected "/],
  ["a second value after the header", raw("{}{}"), /byte 10: only spaces/],
  ["a line break after the header", raw("{}\n"), /byte 10: only spaces/],
  ["a comma at the end", raw(`{"a":${u8(0, 1)},}`, { data: 1 }), /expected "/],
  ["a name without quotes", raw(`{a:${u8(0, 1)}}`, { data: 1 }), /byte 9: expected "/],
  ["a name without an end", raw('{"a'), /the string does not end/],
  ["a backslash as last byte", raw('{"a\\'), /the string does not end/],
  ["a control character in a name", raw('{"\n":{}}'), /control character/],
  ["an unknown escape", raw('{"\\x":{}}'), /byte 9: the string is not well-formed/],
  ["half a surrogate pair", raw(`{"\\ud800":${u8(0, 1)}}`, { data: 1 }), /not well-formed/],
  ["a tensor name twice", raw(`{"a":${u8(0, 1)},"a":${u8(1, 2)}}`, { data: 2 }), /tensor "a" appears twice/],
  [
    "a tensor name twice by an escape",
    raw(`{"a":${u8(0, 1)},"\\u0061":${u8(1, 2)}}`, { data: 2 }),
    /"a" appears twice/,
  ],
  ["metadata twice", raw('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" appears twice/],
  ["a metadata name twice", raw('{"__metadata__":{"a":"","a":""}}'), /metadata "a" appears twice/],
  ["metadata that is not text", raw('{"__metadata__":{"a":1}}'), /expected "/],
  ["metadata that is not an object", raw('{"__metadata__":null}'), /expected {/],
  ["a tensor that is not an object", raw('{"a":[]}'), /byte 13: expected {/],
  ["a field twice", raw('{"a":{"dtype":"U8","dtype":"U8"}}'), /tensor "a": field "dtype" appears twice/],
  ["an unknown field", raw('{"a":{"strides":[1]}}'), /tensor "a": unknown field "strides"/],
  ["no dtype", raw('{"a":{"shape":[],"data_offsets":[0,1]}}', { data: 1 }), /"a" has no dtype/],
  ["no shape", raw('{"a":{"dtype":"U8","data_offsets":[0,1]}}', { data: 1 }), /"a" has no shape/],
  ["no offsets", raw('{"a":{"dtype":"U8","shape":[]}}', { data: 1 }), /"a" has no data_offsets/],
  ["one offset", raw(`{"a":${tensor("U8", "[1]", "[1]")}}`, { data: 1 }), /data_offsets has 1 integers, expected 2/],
  ["three offsets", raw(`{"a":${tensor("U8", "[1]", "[0,1,1]")}}`, { data: 1 }), /data_offsets has 3 integers/],
  ["an unknown dtype", raw(`{"a":${tensor("F8_E4M3", "[1]", "[0,1]")}}`, { data: 1 }), /dtype "F8_E4M3"[^]*F64, F32/],
  ["a dtype every object has", raw(`{"a":${tensor("toString", "[1]", "[0,1]")}}`, { data: 1 }), /dtype "toString"/],
  ["a negative size", raw(`{"a":${tensor("U8", "[-1]", "[0,1]")}}`, { data: 1 }), /expected a non-negative integer/],
  ["a fraction", raw(`{"a":${tensor("U8", "[1.0]", "[0,1]")}}`, { data: 1 }), /expected ]/],
  ["an exponent", raw(`{"a":${tensor("U8", "[1e0]", "[0,1]")}}`, { data: 1 }), /expected ]/],
  ["a leading zero", raw(`{"a":${tensor("U8", "[01]", "[0,1]")}}`, { data: 1 }), /starts with 0/],
  ["an integer over 2^53 - 1", raw(`{"a":${tensor("U8", "[9007199254740992]", "[0,1]")}}`), /exceeds 2\^53 - 1/],
  ["a nested shape", raw(`{"a":${tensor("U8", "[[1]]", "[0,1]")}}`, { data: 1 }), /expected a non-negative integer/],
  [
    "17 dimensions",
    raw(`{"a":${tensor("U8", `[${Array(17).fill(1)}]`, "[0,1]")}}`, { data: 1 }),
    /tensor "a": shape has more than 16 integers/,
  ],
  [
    "a product of sizes that overflows",
    raw(`{"a":${tensor("U8", "[4294967296,4294967296,0]", "[0,0]")}}`),
    /exceeds 2\^53 - 1 bytes/,
  ],
  [
    "a byte count that overflows",
    raw(`{"a":${tensor("F64", "[9007199254740991]", "[0,0]")}}`),
    /exceeds 2\^53 - 1 bytes/,
  ],
  [
    "bytes that do not fit the shape",
    raw(`{"a":${tensor("F32", "[2]", "[0,4]")}}`, { data: 4 }),
    /8 bytes for F32[^]*4 bytes/,
  ],
  ["offsets that run backwards", raw(`{"a":${tensor("U8", "[1]", "[1,0]")}}`, { data: 1 }), /\[1, 0\]/],
  ["a tensor past the end", raw(`{"a":${u8(0, 2)}}`, { data: 1 }), /"a" ends after the file/],
  ["a hole at the start", raw(`{"a":${u8(1, 2)}}`, { data: 2 }), /"a" leaves a hole/],
  ["a hole in the middle", raw(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, { data: 3 }), /"b" leaves a hole/],
  ["an overlap", raw(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, { data: 3 }), /"b" overlaps/],
  ["two names for the same bytes", raw(`{"a":${u8(0, 2)},"b":${u8(0, 2)}}`, { data: 2 }), /"b" overlaps/],
  ["an empty tensor inside another", raw(`{"a":${u8(0, 2)},"b":${u8(1, 1)}}`, { data: 2 }), /"b" overlaps/],
  ["bytes after the last tensor", raw(`{"a":${u8(0, 1)}}`, { data: 2 }), /1 byte after the last tensor/],
  ["data without tensors", raw("{}", { data: 1 }), /1 byte after the last tensor/],
];
rejected.push(
  [
    "a string over 64 KiB",
    raw(`{"${"x".repeat(2 ** 16 + 1)}":0}`),
    /byte 9: the string has 65537 bytes, at most 65536/,
  ],
  [
    "more than 10,000 names",
    raw(`{${Array.from({ length: 10_001 }, (_, i) => `"${i}":${u8(0, 0)}`)}}`),
    /more than 10000 names/,
  ],
);
const invalidUtf8 = raw('{"x":0}');
invalidUtf8[10] = 0xff;
rejected.push(["a name that is not UTF-8", invalidUtf8, /not well-formed UTF-8/]);

Deno.test("safetensors: one file per rule is rejected, naming the file and the place", () => {
  for (const [rule, file, message] of rejected) {
    assert.throws(
      () => decodeSafetensors(file, { name }),
      (error) => {
        assert(error instanceof HymbaError, `${rule}: ${error}`);
        assert.match(error.message, message, rule);
        assert(error.message.startsWith(name), rule);
        return true;
      },
      rule,
    );
  }
});

Deno.test("safetensors: hostile names cannot act on a terminal or flood it", () => {
  const hostile = `\\u001b[2J\\u202e${"x".repeat(10_000)}`;
  assert.throws(() => decodeSafetensors(raw(`{"${hostile}":0}`), { name }), (error: Error) => {
    assert(error.message.length < 400);
    return !error.message.includes("\u001b") && !error.message.includes("\u202e");
  });
});

Deno.test("safetensors: what could not be read back is not written", () => {
  const data = Float32Array.of(1, 2);
  for (
    const [tensors, message] of [
      [{ a: { dtype: "F32", shape: [3], data } }, /"a" has 2 elements[^]*shape \[3\]/],
      [{ a: { dtype: "F32", shape: [2.5], data } }, /"a" has 2 elements/],
      [{ __metadata__: { dtype: "F32", shape: [2], data } }, /cannot be stored under this name/],
      [{ "\ud800": { dtype: "F32", shape: [2], data } }, /cannot be stored under this name/],
    ] as [Record<string, StoredTensor>, RegExp][]
  ) assert.throws(() => encodeSafetensors(tensors), message);
  const long = "x".repeat(HEADER_LIMITS.stringBytes + 1);
  assert.throws(() => encodeSafetensors({}, { long }), /to be written[^]*at most 65536 are read/);
  const mismatched: object = { a: { dtype: "I32", shape: [2], data } };
  assert.throws(() => encodeSafetensors({ ...mismatched }), /"a" has the wrong array/);
});

const golden = new URL("../../../shared/golden/", import.meta.url);
const present = await Deno.stat(golden).then(() => true, () => false);
if (!present) console.log("safetensors: the golden files are not here, so reading foreign files is not tested");

Deno.test({
  name: "safetensors: files of a foreign writer are read and survive a rewrite",
  ignore: !present,
  fn: async () => {
    let files = 0;
    for await (const entry of Deno.readDir(golden)) {
      if (!entry.name.endsWith(".safetensors")) continue;
      files++;
      const read = decodeSafetensors(await Deno.readFile(new URL(entry.name, golden)), { name: entry.name });
      assert.equal(typeof read.metadata.op, "string");
      const again = decodeSafetensors(encodeSafetensors(read.tensors, read.metadata), { name: entry.name });
      assert.deepEqual(again, read);
    }
    assert(files >= 35, `${files} files`);
    const { tensors } = decodeSafetensors(await Deno.readFile(new URL("xent_R6_V11_s1.safetensors", golden)), { name });
    assert.deepEqual(tensors.logits?.shape, [6, 11]);
  },
});
