/** Large hostile files: how much memory and time their readers use before they refuse them. */
import { strict as assert } from "node:assert";
import { MAX_JSON, parseLog } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { decodeSafetensors, HEADER_LIMITS } from "../../core/params/safetensors.ts";
import { Tokenizer } from "../../core/tokenizer/mod.ts";
import { MessageWriter } from "../../core/tokenizer/protobuf.ts";
import { TARGETS } from "./targets.ts";
import { thorough } from "../thorough.ts";

/** Growth of the heap and of buffers during `work`, in bytes, and its time in milliseconds. */
function cost(work: () => void): { bytes: number; milliseconds: number } {
  const held = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect === "function") collect();
  const before = held(), start = performance.now();
  work();
  return { bytes: held() - before, milliseconds: performance.now() - start };
}

function file(header: string, length = 0): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const many = (count: number, member: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => member(i)).join();
const MEBIBYTE = 2 ** 20;

/** Limits for a file: `times` its bytes plus 32 MiB for garbage that is not collected yet, and a time. */
interface Limits {
  readonly times?: number;
  readonly milliseconds?: number;
}

/** Reads a file, which may be refused in words. */
function expectCheap(
  what: string,
  bytes: Uint8Array<ArrayBuffer>,
  { read, times = 2, milliseconds = 1000 }: { read: (bytes: Uint8Array<ArrayBuffer>) => unknown } & Limits,
): void {
  const work = () => {
    try {
      read(bytes);
    } catch (error) {
      assert(error instanceof HymbaError, `${what}: ${error}`);
    }
  };
  const spent = cost(work);
  // Another program may have used the processor, so only a second slow time counts.
  const taken = spent.milliseconds < milliseconds ? spent.milliseconds : cost(work).milliseconds;
  assert(taken < milliseconds, `${what}: ${taken} ms`);
  assert(spent.bytes < times * bytes.length + 32 * MEBIBYTE, `${what}: ${spent.bytes} bytes for ${bytes.length}`);
}

thorough("fuzz safetensors: large hostile files cost neither memory nor time", () => {
  const { members, stringBytes } = HEADER_LIMITS;
  const files = {
    data: file('{"a":{"dtype":"F32","shape":[4194304],"data_offsets":[0,16777216]}} ', 16 * MEBIBYTE),
    "data that is not aligned": file(
      '{"a":{"dtype":"F32","shape":[4194304],"data_offsets":[0,16777216]}}',
      16 * MEBIBYTE,
    ),
    tensors: file(`{${many(members, (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`),
    "too many tensors": file(`{${many(200_000, (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`),
    "long metadata": file(`{"__metadata__":{${many(250, (i) => `"${i}":"${"x".repeat(stringBytes)}"`)}}}`),
    "escaped metadata": file(`{"__metadata__":{${many(250, (i) => `"${i}":"${"\\u0041".repeat(10_000)}"`)}}}`),
    "long name": file(`{"${"\\u0041".repeat(2_500_000)}":0}`),
    "long shape": file(`{"a":{"shape":[${many(8_000_000, () => "1")}]}}`),
    "deep nesting": file("[".repeat(16 * MEBIBYTE - 1).replace("[", "{")),
    "spaces": file(`{${" ".repeat(16 * MEBIBYTE - 2)}}`),
  };
  for (const [what, bytes] of Object.entries(files)) {
    expectCheap(what, bytes, { read: (bytes) => decodeSafetensors(bytes, { name: what }) });
  }
});

/** Items, with a comma or line feed between them, of `length` characters at most. */
function filled(length: number, item: (i: number) => string, between = ","): string {
  const items: string[] = [];
  for (let i = 0, taken = 0;; i++) {
    const next = item(i);
    taken += next.length + between.length;
    if (taken > length) return items.join(between);
    items.push(next);
  }
}

/** JSON that needs much memory for few characters. */
const HOSTILE: Record<string, (length: number) => string> = {
  lists: (length) => `[${filled(length - 2, () => "[]")}]`,
  objects: (length) => `[${filled(length - 2, () => "{}")}]`,
  "nested lists": (length) => `[${filled(length - 2, () => "[[[[[[]]]]]]")}]`,
  "deep lists": (length) => `${"[".repeat(length / 2)}${"]".repeat(length / 2)}`,
  keys: (length) => `{${filled(length - 2, (i) => `"k${i}":0`)}}`,
  "objects of different keys": (length) => `[${filled(length - 2, (i) => `{"k${i}":0}`)}]`,
  "lists, then numbers": (length) => `[${filled(length / 2, () => "[]")},${filled(length / 2 - 4, () => "1")}]`,
  numbers: (length) => `[${filled(length - 2, () => "1")}]`,
  texts: (length) => `[${filled(length - 2, (i) => `"${i}"`)}]`,
  "one text": (length) => JSON.stringify("x".repeat(length - 2)),
  escapes: (length) => `"${"\\u0041".repeat((length - 2) / 6)}"`,
  "proto keys": (length) => `{${filled(length - 2, () => `"__proto__":{}`)}}`,
};

const encoder = new TextEncoder();
const JSON_READERS = ["manifest", "result", "progress", "record", "configuration"];

for (const name of JSON_READERS) {
  thorough(`fuzz ${name}: large hostile files cost neither memory nor time`, () => {
    for (const [what, make] of Object.entries(HOSTILE)) {
      for (const length of [2 ** 18, MAX_JSON, 16 * MEBIBYTE]) {
        const bytes = encoder.encode(make(length));
        expectCheap(`${name}: ${what}`, bytes, { read: TARGETS[name]!.parse });
      }
    }
  });
}

thorough("fuzz log: large hostile files cost neither memory nor time", () => {
  const read = (bytes: Uint8Array<ArrayBuffer>) => parseLog(bytes, "input");
  for (const [what, make] of Object.entries(HOSTILE)) {
    expectCheap(`one line, ${what}`, encoder.encode(`${make(16 * MEBIBYTE)}\n`), { read });
    const line = `{"a":${make(1000)}}`;
    expectCheap(`lines, ${what}`, encoder.encode(`${filled(MEBIBYTE, () => line, "\n")}\n`), { read });
  }
});

thorough("fuzz tokenizer-json: large hostile files cost neither memory nor time", () => {
  const read = (bytes: Uint8Array<ArrayBuffer>) =>
    Tokenizer.fromJson(new TextDecoder().decode(bytes), { name: "input" });
  const places: ((json: string) => string)[] = [
    (json) => json,
    (json) => `{"model":{"type":"Unigram","unk_id":0,"vocab":${json}}}`,
    (json) => `{"added_tokens":${json}}`,
  ];
  for (const [what, make] of Object.entries(HOSTILE)) {
    for (const [i, place] of places.entries()) {
      expectCheap(`${what} ${i}`, encoder.encode(place(make(4 * MEBIBYTE))), { read });
      expectCheap(`${what} ${i}`, encoder.encode(place(make(16 * MEBIBYTE))), { read, milliseconds: 4000 });
    }
  }
});

thorough("a vocabulary of hundreds of thousands of pieces takes at most 400 bytes a piece", () => {
  const COUNT = 300_000, name = (i: number) => i.toString(36);
  const list = Array.from({ length: COUNT }, (_, i) => `["${name(i)}",-1]`).join();
  const json = encoder.encode(`{"model":{"type":"Unigram","unk_id":0,"vocab":[${list}]}}`);
  const model = new MessageWriter();
  for (let i = 0; i < COUNT; i++) model.bytes(1, new MessageWriter().text(1, name(i)).float(2, -1).finish());
  const protobuf = new Uint8Array(model.finish());
  const limits = (bytes: Uint8Array) => ({ times: 2 + 400 * COUNT / bytes.length, milliseconds: 2000 });
  expectCheap("tokenizer.json", json, {
    read: (bytes) => Tokenizer.fromJson(new TextDecoder().decode(bytes), { name: "input" }),
    ...limits(json),
  });
  expectCheap("SentencePiece model", protobuf, {
    read: (bytes) => Tokenizer.fromModelBytes(bytes, { name: "input" }),
    ...limits(protobuf),
  });
});

thorough("fuzz model: a million unknown fields cost neither memory nor time", () => {
  const fields = new MessageWriter();
  for (let i = 0; i < 1_000_000; i++) fields.varint(7, 1);
  expectCheap("unknown fields", new Uint8Array(fields.finish()), {
    read: (bytes) => Tokenizer.fromModelBytes(bytes, { name: "input" }),
  });
});
