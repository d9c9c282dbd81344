/** A few seconds of fuzzing for every parser; `HYMBA_FUZZ_SECONDS` sets how many each gets (1 unless set). */
import { strict as assert } from "node:assert";
import { HymbaError } from "../../core/errors.ts";
import { decodeSafetensors, HEADER_LIMITS } from "../../core/params/safetensors.ts";
import { fuzz, processorTime } from "./fuzz.ts";
import { safetensorsTarget } from "./safetensors_target.ts";
import { TARGETS } from "./targets.ts";

const seconds = Number(Deno.env.get("HYMBA_FUZZ_SECONDS") ?? 1);
const seed = Math.floor(Date.now() / 1000);

for (const [name, target] of Object.entries(TARGETS)) {
  Deno.test(`fuzz ${name}: no untyped error, no hang, nothing unsound accepted`, async () => {
    const result = await fuzz(target, { seed, seconds });
    const { inputs, accepted, refused, slowest } = result;
    console.log(`fuzz ${name}: seed ${seed}, ${inputs} inputs, ${accepted} accepted, slowest ${slowest.toFixed(1)} ms`);
    assert(accepted > 0.05 * inputs && refused > 0.05 * inputs, "the inputs are one-sided");
  });
}

Deno.test("fuzz: an input is a function of seed and number", async () => {
  const seen: string[] = [];
  const spy = { ...safetensorsTarget, parse: (bytes: Uint8Array) => seen.push(String(bytes)) > 0 };
  await fuzz(spy, { seed: 1, inputs: 20 });
  await fuzz(spy, { seed: 1, inputs: 20 - 7, first: 7 });
  assert.deepEqual(seen.slice(20), seen.slice(7, 20));
  assert(new Set(seen).size > 15);
});

Deno.test("fuzz, negative control: careless readers are found out, with the input that shows it", async () => {
  const { generate, parse } = safetensorsTarget;
  const header = (bytes: Uint8Array<ArrayBuffer>) => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  };
  const careless: Record<string, [fault: RegExp, (bytes: Uint8Array<ArrayBuffer>) => boolean]> = {
    "trusts the JSON": [/untyped error at seed 1, input \d+: [0-9a-f]+/, (bytes) => header(bytes) !== null],
    "refuses white space": [/a sound input was refused/, (bytes) => !bytes.includes(0x0a) && parse(bytes) === true],
    "hangs on a name": [/over 1000 ms at seed 1/, (bytes) => {
      const accepted = parse(bytes) === true;
      for (const end = processorTime() + 1010; bytes.includes(0xc3) && processorTime() < end;);
      return accepted;
    }],
  };
  for (const [what, [fault, parse]] of Object.entries(careless)) {
    await assert.rejects(fuzz({ generate, parse }, { seed: 1, inputs: 20_000 }), fault, what);
  }
});

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

Deno.test("fuzz safetensors: large hostile files cost neither memory nor time", () => {
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
    const read = () => {
      try {
        decodeSafetensors(bytes, { name: what });
      } catch (error) {
        assert(error instanceof HymbaError, `${what}: ${error}`);
      }
    };
    const spent = cost(read);
    // Another program may have had the processor: only a second slow time counts.
    const milliseconds = spent.milliseconds < 1000 ? spent.milliseconds : cost(read).milliseconds;
    assert(milliseconds < 1000, `${what}: ${milliseconds} ms`);
    assert(spent.bytes < 2 * bytes.length + 32 * MEBIBYTE, `${what}: ${spent.bytes} bytes for ${bytes.length}`);
  }
});
