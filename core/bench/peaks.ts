/** The peak rates of a machine, and the rate of one large matrix product. */
import { float, newContext } from "../cpu/launch.ts";
import { CpuExecutor } from "../cpu/mod.ts";
import { linear } from "../ops/linear.ts";
import { textRows } from "../ops/text_rows.ts";
import { present } from "../lists.ts";
import { type Executor, finish, type Plan } from "../plan/mod.ts";
import { fillNormal } from "../random.ts";
import { ELEMENT_BYTES, Tape, type Tensor, tensorOver } from "../tensor/mod.ts";
import { WebgpuExecutor } from "../webgpu/mod.ts";
import {
  COPY_VARIANTS,
  copyProbe,
  EXPONENTIAL_VARIANTS,
  exponentialProbe,
  idleProbe,
  MULTIPLY_ADD_VARIANTS,
  multiplyAddProbe,
  type Probe,
} from "../webgpu/peak.ts";
import { everyTime, type Once, secondsOnce } from "./once.ts";
import { time } from "./timing.ts";

/** The best of several runs. `--json` prints these names. */
export interface PeaksReport {
  /** Multiply-adds in registers (10⁹ flops per second, two per multiply-add); null if the executor has no kernel for it. */
  readonly multiply_add_gflop_per_s: number | null;
  /** The fastest variant; null if there is only one. */
  readonly multiply_add_variant: { readonly vectors: number; readonly unroll: number } | null;
  /** Exponentials of vectors in registers with the adapter's exp2 (10⁹ per second); null if the executor has no kernel for it. */
  readonly exponential_g_per_s: number | null;
  /** Bytes read and written (10⁹ per second) by the fastest of several copies that are too large for caches. */
  readonly copy_gb_per_s: number;
  /** Microseconds per additional dispatch in a submit; null without a queue. */
  readonly dispatch_us: number | null;
  /** Microseconds per additional submit with one dispatch; null without a queue. */
  readonly submit_us: number | null;
  /** [1024, 512] · [512, 1024]. */
  readonly matmul_gflop_per_s: number;
  /** Share of the multiply-add peak. */
  readonly matmul_share: number | null;
}

/** Numbers of dispatches and submits that are measured together. */
const DISPATCHES = 512, SUBMITS = 64;
const M = 1024, K = 512, N = 1024;
/** The copy: 64 blocks of 256 rows of 1024 numbers, 64 MiB each way. */
const BLOCKS = 64, ROWS = 256, COLUMNS = 1024;
const PEAK_ROUNDS = 20000, PEAK_FLOPS_PER_ROUND = 96, CPU_PEAK_FLOPS = BLOCKS * PEAK_ROUNDS * PEAK_FLOPS_PER_ROUND;

/** How peaks are measured. */
interface Timed {
  /** Timed runs per measurement. */
  readonly runs: number;
  /** Keeps the time of each probe. Default: nothing is kept. */
  readonly once?: Once;
}

/** Measures the peaks, which takes a few seconds. */
export async function benchPeaks(executor: Executor, how: Timed): Promise<PeaksReport> {
  let found: Partial<PeaksReport> = {};
  for await (const more of measuredPeaks(executor, how)) found = { ...found, ...more };
  return present(wholePeaks(found), "the peaks of copies and of the product");
}

/** What an executor cannot measure is null. Undefined where a measurement is missing that every executor has. */
export function wholePeaks(
  { copy_gb_per_s, matmul_gflop_per_s, ...rest }: Partial<PeaksReport>,
): PeaksReport | undefined {
  if (copy_gb_per_s === undefined || matmul_gflop_per_s === undefined) return undefined;
  return { ...NOTHING, ...rest, copy_gb_per_s, matmul_gflop_per_s };
}

const NOTHING = {
  multiply_add_gflop_per_s: null,
  multiply_add_variant: null,
  exponential_g_per_s: null,
  dispatch_us: null,
  submit_us: null,
  matmul_share: null,
};

/** The same, one measurement after the other. A later value of a peak is that of a faster variant. */
export async function* measuredPeaks(executor: Executor, how: Timed): AsyncGenerator<Partial<PeaksReport>> {
  const seconds = await kept(how, "product", () => best(executor, { plan: product(), runs: how.runs }));
  const matmul = 2 * M * N * K / seconds / 1e9;
  yield { matmul_gflop_per_s: matmul };
  for await (const { gflopPerS, variant } of multiplyAddPeaks(executor, how)) {
    yield {
      multiply_add_gflop_per_s: gflopPerS,
      multiply_add_variant: variant,
      matmul_share: matmul / gflopPerS,
    };
  }
  yield { copy_gb_per_s: await copyPeak(executor, how) };
  for await (const exponential_g_per_s of exponentialPeaks(executor, how)) yield { exponential_g_per_s };
  yield* queueCosts(executor, how);
}

/** A time that is measured once (s). */
const kept = ({ once = everyTime }: Timed, name: string, measure: () => Promise<number>): Promise<number> =>
  secondsOnce(once, `peak ${name}`, measure);

/** The first number of a result. Reading only this number waits for the device without copying the whole result. */
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

interface MultiplyAddPeak {
  readonly gflopPerS: number;
  readonly variant: PeaksReport["multiply_add_variant"];
}

/** The peak of multiply-adds, once for each variant that is faster than those before it. */
async function* multiplyAddPeaks(executor: Executor, how: Timed): AsyncGenerator<MultiplyAddPeak> {
  if (executor instanceof CpuExecutor) {
    const seconds = await kept(how, "multiply-adds", () => cpuPeak(executor, how.runs));
    yield { gflopPerS: CPU_PEAK_FLOPS / seconds / 1e9, variant: null };
  }
  if (!(executor instanceof WebgpuExecutor)) return;
  const software = executor.gpu.adapterClass === "software";
  let most = 0;
  for (const variant of MULTIPLY_ADD_VARIANTS) {
    const probe = multiplyAddProbe(variant, { software }), name = `multiply-adds ${JSON.stringify(variant)}`;
    const gflopPerS = probe.flops / await kept(how, name, () => probed(executor, probe, how.runs)) / 1e9;
    if (gflopPerS > most) yield { gflopPerS, variant };
    most = Math.max(most, gflopPerS);
  }
}

async function* exponentialPeaks(executor: Executor, how: Timed): AsyncGenerator<number> {
  if (!(executor instanceof WebgpuExecutor)) return;
  const software = executor.gpu.adapterClass === "software";
  let most = 0;
  for (const variant of EXPONENTIAL_VARIANTS) {
    const probe = exponentialProbe(variant, { software }), name = `exponentials ${JSON.stringify(variant)}`;
    const seconds = await kept(how, name, () => probed(executor, probe, how.runs));
    yield most = Math.max(most, probe.exponentials / seconds / 1e9);
  }
}

/** The fastest copy: of the op that copies rows and, on WebGPU, of kernels that only copy. */
export async function copyPeak(executor: Executor, how: Timed): Promise<number> {
  const bytes = 2 * BLOCKS * ROWS * COLUMNS * ELEMENT_BYTES, { runs } = how;
  let most = bytes / await kept(how, "copied rows", () => best(executor, { plan: copying(), runs })) / 1e9;
  if (!(executor instanceof WebgpuExecutor)) return most;
  for (const quads of COPY_VARIANTS) {
    const probe = copyProbe(quads);
    most = Math.max(most, probe.bytes / await kept(how, `copy ${quads}`, () => probed(executor, probe, runs)) / 1e9);
  }
  return most;
}

/** Costs of a dispatch and a submit, from the difference between many and one. This removes the fixed cost of a run. */
async function* queueCosts(executor: Executor, how: Timed): AsyncGenerator<Partial<PeaksReport>> {
  if (!(executor instanceof WebgpuExecutor)) return;
  const seconds = (count: number, submits: boolean) =>
    kept(
      how,
      `${count} ${submits ? "submits" : "dispatches"}`,
      () => probed(executor, idleProbe(count, { submits }), how.runs),
    );
  const one = await seconds(1, false), each = (many: number, count: number) => 1e6 * (many - one) / (count - 1);
  yield { dispatch_us: each(await seconds(DISPATCHES, false), DISPATCHES) };
  yield { submit_us: each(await seconds(SUBMITS, true), SUBMITS) };
}

/** Best time of a probe (s). */
async function probed(executor: WebgpuExecutor, { plan, launches, input }: Probe, runs: number): Promise<number> {
  const program = await executor.prepareLaunches(plan, launches);
  try {
    program.write(input.x, input.data);
    return (await time(program, { runs })).best;
  } finally {
    program.dispose();
  }
}

/** Best time of the multiply-adds on the processor (s). */
async function cpuPeak(executor: CpuExecutor, runs: number): Promise<number> {
  const out = newContext().scratch("peak", [BLOCKS, 4]);
  const args = { out, rounds: PEAK_ROUNDS, x: float(1), y: float(1e-7) };
  const launches = [{ kernel: "multiply_add_peak", args, blocks: BLOCKS }];
  const program = executor.prepareLaunches(launches, { inputs: [], outputs: [out] });
  try {
    return (await time(program, { runs })).best;
  } finally {
    program.dispose();
  }
}
