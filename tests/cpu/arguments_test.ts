/** Arguments are passed by position, so a lowering must name them as the kernel's class does, and in the same order. */
import { strict as assert } from "node:assert";
import { ArchType, HymbaConfig } from "../../core/config/mod.ts";
import { type Launch, newContext } from "../../core/cpu/launch.ts";
import { LOWERINGS } from "../../core/cpu/ops/mod.ts";
import { attentionMap } from "../../core/ops/attention_map.ts";
import { attentionDecode, cacheAppend, convStep, embedStep, scanStep } from "../../core/ops/decode.ts";
import { linear } from "../../core/ops/linear.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Step, Tape, withRows } from "../../core/tensor/mod.ts";
import { preferencePlan, trainingPlan } from "../../core/train/plans.ts";
import { entryFor } from "../../core/ops/registry.ts";
import { croppedAttention } from "../../core/ops/cropped_attention.ts";

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

function trainingSteps(): readonly Step[] {
  const shape = { archType: ArchType.HYBRID, vocabSize: 20, dModel: 16, nLayers: 3, nHeads: 2, nKvHeads: 1 };
  const store = new ParameterStore(new HymbaConfig(shape));
  const gated = new ParameterStore(new HymbaConfig({ ...shape, fusion: "gate" }));
  return [
    ...croppedSteps(),
    ...trainingPlan(store, { B: 2, T: 6, decay: 0 }).plan.steps,
    ...trainingPlan(gated, { B: 2, T: 6, decay: 0 }).plan.steps,
    ...trainingPlan(store, { B: 2, T: 6, decay: 0, precision: "f16" }).plan.steps,
    ...preferencePlan(store, { n: 1, T: 6, decay: 0, beta: 0.1 }).plan.steps,
  ];
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

function decodeSteps(): readonly Step[] {
  const tape = new Tape(false), input = (name: string, shape: number[]) => tape.input(name, shape);
  const position = tape.input("position", [1], { dtype: "u32" }), token = tape.input("token", [2], { dtype: "u32" });
  const kCache = input("kCache", [2, 8, 1, 4]), vCache = input("vCache", [2, 8, 1, 4]), see = { window: 0, meta: 0 };
  linear(tape, { x: input("row", [2, 8]), w: input("weight", [5, 8]) });
  embedStep(tape, { token, position, table: input("table", [5, 8]) });
  cacheAppend(tape, { k: input("k", [2, 1, 1, 4]), v: input("v", [2, 1, 1, 4]), kCache, vCache, position }, see);
  attentionDecode(tape, { q: input("q", [2, 1, 2, 4]), kCache, vCache, position }, see);
  convStep(tape, { x: input("x", [2, 1, 8]), w: input("w", [8, 4]), state: input("conv state", [2, 3, 8]) });
  scanStep(tape, {
    udt: { ...input("udt", [2, 1, 2, 8]), lead: 2, rows: 2, columns: 16, rowStride: 16 },
    bc: { ...input("bc", [2, 1, 2, 4]), lead: 2, rows: 2, columns: 8, rowStride: 8 },
    aLog: input("aLog", [8, 4]),
    state: input("state", [2, 8, 4]),
  });
  attentionMap(tape, {
    q: { ...input("queries", [1, 6, 2, 4]), lead: 2, rows: 6, columns: 8, rowStride: 8 },
    k: { ...input("keys", [1, 6, 1, 4]), lead: 2, rows: 6, columns: 4, rowStride: 4 },
    lse: input("lse", [1, 6, 2]),
  }, see);
  return tape.steps;
}

Deno.test("every lowering passes the arguments of its kernel's class, in order", async () => {
  const fields = await fieldsOfKernels(), seen = new Set<string>(), context = newContext();
  const launches: Launch[] = [...trainingSteps(), ...decodeSteps()].flatMap((step) =>
    entryFor(LOWERINGS, step)(step, context)
  );
  for (const { kernel, args } of launches) {
    assert.deepEqual(Object.keys(args), fields.get(kernel), kernel);
    seen.add(kernel);
  }
  const unseen = [...fields.keys()].filter((kernel) => !seen.has(kernel)).sort();
  assert.deepEqual(unseen, ["activate", "multiply_add_peak"], "kernels that no step uses");
});
