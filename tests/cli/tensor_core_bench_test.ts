import assert from "node:assert/strict";
import type { StepReport } from "../../core/bench/step.ts";
import { besideTensorCores, tensorCoreLines } from "../../cli/shared/tensor_core_bench.ts";

const report = (arm: string, step_ms: number) => ({ arm, step_ms }) as StepReport;

Deno.test("bench step: both times of a step, and the advice that follows from all models", () => {
  const without = [report("mamba", 30), report("hymba", 50)];
  assert.deepEqual(tensorCoreLines(without, {}), []);
  const [table = "", faster = ""] = tensorCoreLines(without, {
    tensor_cores: [report("mamba", 15), report("hymba", 25)],
  });
  assert.match(table, /mamba +30\.0 +15\.0 +2\.00\s+hymba +50\.0 +25\.0 +2\.00/);
  assert.match(faster, /2\.00 times as fast here: --tensor-cores on$/);
  const [, slower = ""] = tensorCoreLines(without, { tensor_cores: [report("mamba", 40), report("hymba", 60)] });
  assert.match(slower, /slower here \(0\.80 times as fast\): leave them off$/);
});

Deno.test("bench step: nothing is timed twice on the processor, in another precision, or where somebody chose", async () => {
  const onProgress = () => {}, size = { B: 1, T: 8, runs: 1 }, half = { ...size, precision: "f16" as const };
  const given = { name: "none", backend: "webgpu", onProgress };
  assert.deepEqual(await besideTensorCores([], { ...given, backend: "cpu", size: half }), {});
  assert.deepEqual(await besideTensorCores([], { ...given, size: { ...size, precision: "bf16" } }), {});
  assert.deepEqual(await besideTensorCores([], { ...given, asked: "off", size: half }), {});
});
