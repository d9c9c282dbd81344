/** A few seconds of fuzzing for every parser; `HYMBA_FUZZ_SECONDS` sets how many each gets (1 unless set). */
import { strict as assert } from "node:assert";
import { fuzz, processorTime } from "./fuzz.ts";
import { safetensorsTarget } from "./safetensors_target.ts";
import { TARGETS } from "./targets.ts";

const seconds = Number(Deno.env.get("HYMBA_FUZZ_SECONDS") ?? 1);
// One seed, so that a commit passes or fails by what it changes. The nightly campaigns take others.
const seed = Number(Deno.env.get("HYMBA_SEED") ?? 20261128);

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
