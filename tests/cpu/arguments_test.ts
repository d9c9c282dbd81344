/** Arguments are passed by position, so a lowering must name them as the kernel's class does, and in the same order. */
import { strict as assert } from "node:assert";
import { type Launch, newContext } from "../../core/cpu/launch.ts";
import { LOWERINGS } from "../../core/cpu/ops/mod.ts";
import { croppedAttention } from "../../core/ops/cropped_attention.ts";
import { entryFor } from "../../core/ops/registry.ts";
import { type Step, Tape, withRows } from "../../core/tensor/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { CASES } from "../kernels/cases.ts";
import { record } from "../ops/harness.ts";

/** The fields of each kernel's argument class, read from the sources. */
async function fieldsOfKernels(): Promise<Map<string, string[]>> {
  const folder = new URL("../../core/cpu/kernels/", import.meta.url), fields = new Map<string, string[]>();
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    const classes = new Map(
      [...text.matchAll(/^class (\w+) \{\n([^}]*)\}/gm)].map(([, title, body]) => [
        title!,
        [...body!.matchAll(/^ {2}(\w+): (?:usize|i32|f32);/gm)].map(([, field]) => field!),
      ]),
    );
    for (const [, kernel, title] of text.matchAll(/^export function (\w+)\(args: (\w+), /gm)) {
      fields.set(kernel!, classes.get(title!)!);
    }
  }
  return fields;
}

/** The leak experiment's attention, forward and backward. */
function croppedSteps(): readonly Step[] {
  const tape = new Tape(true);
  const heads = (name: string, count: number) => withRows(tape.input(name, [1, 8, count, 4], { gradient: true }), 2);
  const { o } = croppedAttention(tape, { q: heads("q", 2), k: heads("k", 1), v: heads("v", 1) }, {
    window: 3,
    meta: 2,
    crop: 3,
  });
  tape.backward([[o, { ...tape.input("dO", o.shape), lead: o.lead }]]);
  return tape.steps;
}

/** The steps of all ops with random shapes. */
const randomSteps = (): Step[] =>
  Object.values(CASES).flatMap((make) =>
    Array.from({ length: 16 }, (_, number) => record(make(new Dice(1, number), false)).plan.steps).flat()
  );

Deno.test("every lowering passes the arguments of its kernel's class, in order", async () => {
  const fields = await fieldsOfKernels(), seen = new Set<string>(), context = newContext();
  const launches: Launch[] = [...croppedSteps(), ...randomSteps()].flatMap((step) =>
    entryFor(LOWERINGS, step)(step, context)
  );
  for (const { kernel, args } of launches) {
    assert.deepEqual(Object.keys(args), fields.get(kernel), kernel);
    seen.add(kernel);
  }
  const unseen = [...fields.keys()].filter((kernel) => !seen.has(kernel)).sort();
  assert.deepEqual(
    unseen,
    ["activate", "multiply_add_peak"],
    "kernels that no case uses (CASES in tests/kernels/cases.ts)",
  );
});
