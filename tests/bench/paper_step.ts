/**
 * One whole training step of `paper` (66 million parameters, B 16, T 256) on a WebGPU adapter and on the CPU executor, from
 * the same weights and tokens: `deno run -A tests/bench/paper_step.ts [model …] [--adapter=TEXT]`. Exits with 1 when loss or
 * gradient norm differ by more than 1e-4. The CPU executor has 4 GiB and recomputes layers, which changes no bit.
 */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { at, present } from "../../core/lists.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { ADAMW, scheduleVector } from "../../core/train/schedule.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";
import type { Arm } from "../../core/config/mod.ts";

const MODELS = ["transformer-global", "hymba"], BOUND = 1e-4;
const { arms, pretraining: { batch: B, decay }, sequenceLength: T } = resolvedStudy("paper");

async function oneStep(executor: Executor, { config }: Arm, { remat }: { remat: boolean }) {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  const made = trainingPlan(store, { B, T, decay, remat }), start = performance.now();
  const program = await executor.prepare(made.plan), ready = performance.now();
  const counter = { seed: 1, stream: 100, step: 0 };
  const tokens = Uint32Array.from({ length: B * T + 1 }, (_, i) => randomInteger(counter, i, config.vocabSize));
  program.write(made.ids, tokens.slice(0, B * T));
  program.write(made.targets, tokens.slice(1));
  program.write(made.weight, new Float32Array(B * T).fill(1));
  program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 3e-4 }));
  await program.run();
  const metrics = at(await program.drainMetrics(), 0), end = performance.now();
  const seconds = { prepare: (ready - start) / 1000, step: (end - ready) / 1000 };
  const { arenaBytes, slotBytes } = program.memory;
  program.dispose();
  store.release(executor);
  return { loss: at(metrics, 0), norm: at(metrics, 1), ...seconds, gib: (arenaBytes + slotBytes) / 2 ** 30 };
}

/** Runs one step on an executor that is closed afterwards, so that only one model is in memory at a time. */
async function report(name: string, arm: Arm, { open, remat }: { open: () => Promise<Executor>; remat: boolean }) {
  const executor = await open();
  try {
    const found = await oneStep(executor, arm, { remat });
    const { loss, norm, prepare, step, gib } = found;
    console.log(
      `${arm.name}, ${name}: loss ${loss.toFixed(6)}, gradient norm ${norm.toFixed(6)}, ${gib.toFixed(2)} GiB, ` +
        `${prepare.toFixed(1)} s to make ready, ${step.toFixed(1)} s the step`,
    );
    return found;
  } finally {
    await executor.close();
  }
}

const adapter = Deno.args.find((arg) => arg.startsWith("--adapter="))?.split("=")[1];
const named = Deno.args.filter((arg) => !arg.startsWith("--"));
for (const model of named.length > 0 ? named : MODELS) {
  const arm = present(arms.find(({ name }) => name === model), `the arm ${model}`);
  const cpu = await report("CPU, layers computed again", arm, { open: () => CpuExecutor.create(), remat: true });
  const gpu = await report("WebGPU", arm, { open: () => openWebgpu({ adapter }), remat: false });
  const off = Math.max(Math.abs(gpu.loss / cpu.loss - 1), Math.abs(gpu.norm / cpu.norm - 1));
  console.log(`${model}: relative difference at most ${off.toExponential(1)}`);
  if (!(off < BOUND)) Deno.exitCode = 1;
}
