/** A few random shapes; `deno run -A tests/kernels/run.ts` runs hundreds of each op. */
import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { OPS } from "../../core/ops/registry.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { tensorOver } from "../../core/tensor/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { executors } from "../ops/executors.ts";
import { record } from "../ops/harness.ts";
import { ScanInSpans } from "../ops/scan_in_spans.ts";
import { CASES, TALL } from "./cases.ts";
import { checkGuarded } from "./check.ts";
import { guarded } from "./guards.ts";
import { thorough } from "../thorough.ts";

/**
 * Ops whose kernels take a software adapter seconds to compile for each shape. They have many shapes on the CPU and one on WebGPU,
 * given by its number. The shape of the scan has 16 states, as in other tests. The shape of saved halves is a SwiGLU.
 */
const SLOW: Readonly<Record<string, number>> = {
  attention: 0,
  attention_map: 0,
  selective_scan: 3,
  linear: 0,
  linear_logp: 0,
  orpo_loss: 0,
  stored_halves: 2,
  attention_chunk_and_cache_fill: 0,
  conv_chunk_and_scan_chunk: 0,
};

/** The scan's case that is also cut into spans, as on a GPU: 66 positions of 122 channels. */
const IN_SPANS = 29;

for (const [name, make] of Object.entries(CASES)) {
  thorough(`kernels of ${name}: random shapes against float64, guards survive`, async () => {
    const all = await executors(), cpu = all.filter((executor) => executor instanceof CpuExecutor);
    for (let number = 0; number < 60; number++) {
      const everywhere = name in SLOW ? number === SLOW[name] : number < 3;
      await checkGuarded(`${name} ${number}`, make(new Dice(1, number), false), everywhere ? all : cpu);
    }
    if (name === "selective_scan") {
      const spans = all.flatMap((executor) => executor instanceof WebgpuExecutor ? [new ScanInSpans(executor, 3)] : []);
      await checkGuarded(`${name} in spans`, make(new Dice(1, IN_SPANS), false), spans);
    }
    if (TALL.has(name)) await checkGuarded(`${name}, tall`, make(new Dice(1, 60), true), all);
  });
}

Deno.test("every op has random shapes, except the slow attention of the leak experiment", () => {
  const seen = new Set<string>();
  for (const make of Object.values(CASES)) {
    for (let number = 0; number < 8; number++) {
      for (const { op } of record(make(new Dice(1, number), false)).plan.steps) seen.add(op.name);
    }
  }
  const unseen = OPS.map(({ name }) => name).filter((name) => !seen.has(name));
  assert.deepEqual(
    unseen,
    ["cropped_attention_forward", "cropped_attention_backward"],
    "add them to CASES in cases.ts",
  );
});

Deno.test("guards, negative control: a number behind, before or between what was to be written is found", async () => {
  const cpu = (await executors()).find((executor) => executor instanceof CpuExecutor)!;
  const { built, guards } = guarded(record({ build: (tape, input) => ({ y: swiglu(tape, input("gu", [3, 8])) }) }));
  const { storage } = built.outputs.y!, arena = storage.pinned!.arena;
  guards.fill(cpu);
  await guards.check(cpu, "untouched");
  for (const [at, found] of [[11, undefined], [12, "element 12"], [-1, "element -1"]] as const) {
    cpu.write(
      tensorOver({ ...storage, pinned: { arena, offset: storage.pinned!.offset + at } }, [1]),
      Float32Array.of(1),
    );
    const check = guards.check(cpu, "control");
    if (found === undefined) await check;
    else await assert.rejects(check, new RegExp(found));
    guards.fill(cpu);
  }
  guards.release(cpu);
});
