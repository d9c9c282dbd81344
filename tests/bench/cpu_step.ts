/**
 * Tokens per second of one training step (forward, backward, AdamW) on the CPU executor at the peers' shape:
 * `deno run -A tests/bench/cpu_step.ts [model …] [--threads=N] [--kernels]`. `--kernels` also prints milliseconds per step by kernel.
 * Vocabulary 1000, D 128, 6 layers, 4 query and 2 KV heads, SwiGLU 512, T 128, B 8, window 32, 16 meta tokens in hybrids.
 */
import { ARCH_TYPES, type ArchType, HymbaConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { at } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { ADAMW, scheduleVector } from "../../core/train/schedule.ts";

const B = 8, T = 128, V = 1000, RUNS = 20, WARM_UP = 6;

const configOf = (archType: ArchType) =>
  new HymbaConfig({
    archType,
    vocabSize: V,
    dModel: 128,
    nLayers: 6,
    nHeads: 4,
    nKvHeads: 2,
    ffnHidden: 512,
    swaWindow: 32,
    numMetaTokens: 16,
  });

async function measure(archType: ArchType, { timed, threads }: { timed: boolean; threads: number | undefined }) {
  const executor = await CpuExecutor.create({ timed, threads });
  try {
    const store = new ParameterStore(configOf(archType));
    store.initialise(executor, 1);
    const made = trainingPlan(store, { B, T, decay: 0.1 }), program = await executor.prepare(made.plan);
    program.write(made.ids, Uint32Array.from({ length: B * T }, (_, i) => i * 7919 % V));
    program.write(made.targets, Uint32Array.from({ length: B * T }, (_, i) => (i + 1) * 7919 % V));
    program.write(made.weight, new Float32Array(B * T).fill(1));
    program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 1e-3 }));
    for (let run = 0; run < WARM_UP; run++) await program.run();
    const before = program.times(), seconds: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      await program.run();
      seconds.push((performance.now() - start) / 1000);
    }
    const byKernel = new Map<string, number>();
    for (const [i, time] of program.times().entries()) {
      const name = at(program.launches, i).kernel;
      byKernel.set(name, (byKernel.get(name) ?? 0) + (time - at(before, i)) / RUNS);
    }
    const gflop = made.plan.steps.reduce((sum, { flops }) => sum + flops, 0) / 1e9;
    return { best: Math.min(...seconds), byKernel, gflop };
  } finally {
    await executor.close();
  }
}

const wanted = ARCH_TYPES.filter((arch) => Deno.args.includes(arch)), timed = Deno.args.includes("--kernels");
const given = Deno.args.find((arg) => arg.startsWith("--threads="))?.split("=")[1];
const threads = given === undefined ? undefined : Number(given);
for (const archType of wanted.length > 0 ? wanted : ARCH_TYPES) {
  const { best, byKernel, gflop } = await measure(archType, { timed, threads });
  console.log(
    `${archType}: ${(B * T / best).toFixed(0)} tokens/s, ${(best * 1000).toFixed(1)} ms a step, ` +
      `${(gflop / best).toFixed(1)} GFLOP/s`,
  );
  if (!timed) continue;
  for (const [kernel, time] of [...byKernel].sort((a, b) => b[1] - a[1])) {
    if (time > 0.05) console.log(`  ${time.toFixed(2).padStart(8)} ms  ${kernel}`);
  }
}
