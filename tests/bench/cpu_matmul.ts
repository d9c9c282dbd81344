/**
 * The speed of the CPU executor's matmul as a share of the machine's peak: `deno run -A tests/bench/cpu_matmul.ts [M K N]`. Prints
 * GFLOP/s of c = a · wᵀ (default 1024 × 512 × 1024) and the measured peak of vector multiply-adds. Each is the best of several runs,
 * with one thread and with all. A busy machine makes both smaller.
 */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { float, newContext } from "../../core/cpu/launch.ts";
import type { CpuProgram } from "../../core/cpu/program.ts";
import { linear } from "../../core/ops/linear.ts";
import { finish, type Plan } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { Tape } from "../../core/tensor/mod.ts";

const ROUNDS = 20000, FLOPS_PER_ROUND = 96, BLOCKS = 64;
const [M = 1024, K = 512, N = 1024] = Deno.args.map(Number);

/** Seconds of the fastest of `runs` runs. */
async function best(program: CpuProgram, runs: number): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await program.run();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

function product(): Plan {
  const tape = new Tape(false);
  const y = linear(tape, { x: tape.input("x", [M, K]), w: tape.input("w", [N, K]) });
  return finish(tape, { name: "product", outputs: [y] });
}

/** Multiply-adds in registers, without memory access. */
function peakProgram(executor: CpuExecutor): CpuProgram {
  const out = newContext().scratch("peak", [BLOCKS, 4]);
  const args = { out, rounds: ROUNDS, x: float(1), y: float(1e-7) };
  return executor.prepareLaunches([{ kernel: "multiply_add_peak", args, blocks: BLOCKS }], {
    inputs: [],
    outputs: [out],
  });
}

async function measure(threads: number, plan: Plan): Promise<{ matmul: number; peak: number }> {
  const executor = await CpuExecutor.create({ threads });
  try {
    const program = await executor.prepare(plan), peak = peakProgram(executor);
    for (const [step, x] of plan.inputs.entries()) {
      program.write(x, fillNormal(new Float32Array(x.rows * x.columns), { seed: 1, stream: 100, step }));
    }
    const before = await best(peak, 3), product = await best(program, 40), after = await best(peak, 20);
    return {
      matmul: 2 * M * N * K / product / 1e9,
      peak: BLOCKS * ROUNDS * FLOPS_PER_ROUND / Math.min(before, after) / 1e9,
    };
  } finally {
    await executor.close();
  }
}

const plan = product();
for (const threads of new Set([1, navigator.hardwareConcurrency])) {
  const { matmul, peak } = await measure(threads, plan);
  console.log(
    `${threads} thread${threads > 1 ? "s" : ""}: matmul ${M}×${K}×${N} ${matmul.toFixed(1)} GFLOP/s, ` +
      `multiply-add peak ${peak.toFixed(1)} GFLOP/s, ${(100 * matmul / peak).toFixed(0)} %`,
  );
}
