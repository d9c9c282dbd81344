/** What the machine can do at most, and how near one large matrix product comes. */
import { float, newContext } from "../../cpu/launch.ts";
import { CpuExecutor } from "../../cpu/mod.ts";
import { linear } from "../../ops/linear.ts";
import { textRows } from "../../ops/text_rows.ts";
import { type Executor, finish, type Plan } from "../../plan/mod.ts";
import { fillNormal } from "../../random.ts";
import { ELEMENT_BYTES, Tape, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { WebgpuExecutor } from "../../webgpu/mod.ts";
import { PEAK_VECTORS, peakLaunch } from "../../webgpu/peak.ts";
import { time } from "./timing.ts";

/** With the names that `--json` prints; best of several runs. */
export interface PeaksReport {
  /** Multiply-adds in registers, each two flops, in 10⁹ a second; null where the executor has no kernel for it. */
  readonly multiply_add_gflop_per_s: number | null;
  /** 10⁹ bytes read and written a second by a copy too large for caches. */
  readonly copy_gb_per_s: number;
  /** [1024, 512] · [512, 1024]. */
  readonly matmul_gflop_per_s: number;
  /** Of the multiply-add peak. */
  readonly matmul_share: number | null;
}

const M = 1024, K = 512, N = 1024;
/** The copy: 64 blocks of 256 rows of 1024 numbers, 64 MiB each way. */
const BLOCKS = 64, ROWS = 256, COLUMNS = 1024;
const PEAK_ROUNDS = 20000, PEAK_FLOPS_PER_ROUND = 96;

/** Measures for a few seconds. `runs`: timed runs of each measurement. */
export async function benchPeaks(executor: Executor, { runs }: { runs: number }): Promise<PeaksReport> {
  const matmul = 2 * M * N * K / await best(executor, { plan: product(), runs }) / 1e9;
  const copied = 2 * BLOCKS * ROWS * COLUMNS * ELEMENT_BYTES;
  const copy = copied / await best(executor, { plan: copying(), runs }) / 1e9;
  const peak = await multiplyAddPeak(executor, runs);
  return {
    multiply_add_gflop_per_s: peak,
    copy_gb_per_s: copy,
    matmul_gflop_per_s: matmul,
    matmul_share: peak === null ? null : matmul / peak,
  };
}

/** Reading one number waits for the device without moving the result. */
const firstNumber = (y: Tensor): Tensor => tensorOver(y.storage, [1]);

function product(): Plan {
  const tape = new Tape(false);
  const y = linear(tape, { x: tape.input("x", [M, K]), w: tape.input("w", [N, K]) });
  return finish(tape, { name: "product", metrics: [firstNumber(y)] });
}

function copying(): Plan {
  const tape = new Tape(false);
  const y = textRows(tape, tape.input("x", [BLOCKS, ROWS + 1, COLUMNS]), { M: 1 });
  return finish(tape, { name: "copy", metrics: [firstNumber(y)] });
}

async function best(executor: Executor, { plan, runs }: { plan: Plan; runs: number }): Promise<number> {
  const program = await executor.prepare(plan);
  try {
    for (const [step, x] of plan.inputs.entries()) {
      program.write(x, fillNormal(new Float32Array(x.rows * x.columns), { seed: 1, stream: 100, step }));
    }
    return (await time(program, { runs })).best;
  } finally {
    program.dispose();
  }
}

async function multiplyAddPeak(executor: Executor, runs: number): Promise<number | null> {
  if (executor instanceof WebgpuExecutor) return await webgpuPeak(executor, runs);
  return executor instanceof CpuExecutor ? await cpuPeak(executor, runs) : null;
}

/** The best of several numbers of chains. */
async function webgpuPeak(executor: WebgpuExecutor, runs: number): Promise<number> {
  const software = executor.gpu.adapterClass === "software";
  let most = 0;
  for (const vectors of PEAK_VECTORS) {
    const { launch, factors, sums, flops } = peakLaunch(vectors, { software });
    const step = {
      op: "multiply_add_peak",
      attributes: {},
      reads: { factors },
      writes: { sums },
      accumulate: [],
      flops,
    };
    const plan = {
      name: step.op,
      forwardSteps: 1,
      steps: [step],
      inputs: [factors],
      constants: [],
      outputs: [],
      metrics: [firstNumber(sums)],
    };
    const program = await executor.prepareLaunches(plan, [{ ...launch, step: 0 }]);
    try {
      program.write(factors, Float32Array.of(1, 1e-7));
      most = Math.max(most, flops / (await time(program, { runs })).best / 1e9);
    } finally {
      program.dispose();
    }
  }
  return most;
}

async function cpuPeak(executor: CpuExecutor, runs: number): Promise<number> {
  const out = newContext().scratch("peak", [BLOCKS, 4]);
  const args = { out, rounds: PEAK_ROUNDS, x: float(1), y: float(1e-7) };
  const launches = [{ kernel: "multiply_add_peak", args, blocks: BLOCKS }];
  const program = executor.prepareLaunches(launches, { inputs: [], outputs: [out] });
  try {
    return BLOCKS * PEAK_ROUNDS * PEAK_FLOPS_PER_ROUND / (await time(program, { runs })).best / 1e9;
  } finally {
    program.dispose();
  }
}
