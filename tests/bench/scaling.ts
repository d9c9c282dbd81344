/**
 * The growth of the time of attention and of the scan with the length: `deno run -A tests/bench/scaling.ts [--backend webgpu|cpu]
 * [--adapter TEXT]`. Forward and backward pass are measured together for attention, separately for the scan. Prints milliseconds of the
 * kernels by the device's clock, the time of windowed relative to global attention, and the slope of log time over log length, with
 * the slope of the number of visible pairs. A busy machine makes the times longer and the slopes wrong.
 */
import { parseArgs } from "node:util";
import { EXACT_TIMESTAMPS, openBackend } from "../../core/backend/mod.ts";
import { kernelTime } from "../../core/bench/timing.ts";
import { at, present } from "../../core/lists.ts";
import { attention, type Visibility, visiblePairs } from "../../core/ops/attention.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { type Executor, finish, type Plan } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { reshape, sliceColumns, Tape, type Tensor, withRows } from "../../core/tensor/mod.ts";

const { values } = parseArgs({ options: { backend: { type: "string" }, adapter: { type: "string" } } });
const HEADS = { H: 2, G: 1, K: 32, Kv: 32 };
/** Lengths from 1024. The first WINDOW + META queries see fewer keys, and at 512 these are a third of all queries. */
const LENGTHS = { attention: [1024, 2048, 4096], scan: [128, 512, 2048, 8192] };
/** The length at which windowed and global attention are compared. */
const COMPARED = 2048;
const WINDOWED: Visibility = { window: 128, meta: 64 }, GLOBAL: Visibility = { window: 0, meta: 0 };

/** A plan of the recorded op and, unless disabled, its backward pass. It has one metric, because timing waits for metrics. */
function recorded(name: string, build: (tape: Tape) => Tensor, { backward = true } = {}): Plan {
  const tape = new Tape(backward), out = build(tape);
  if (backward) tape.backward([[out, tape.input("cotangent", out.shape)]]);
  return finish(tape, { name, metrics: [sliceColumns({ ...out, rows: 1 }, 0, [1])] });
}

function attentionPlan(T: number, mask: Visibility): Plan {
  const { H, G, K, Kv } = HEADS;
  return recorded(`attention ${T}`, (tape) => {
    const heads = (name: string, count: number, width: number) =>
      reshape(tape.input(name, [1, T, count * width], { gradient: true }), [1, T, count, width], 2);
    return attention(tape, { q: heads("q", H, K), k: heads("k", G, K), v: heads("v", G, Kv) }, mask).o;
  });
}

/** The scan of `quick`. With B = 1 and few channels, the fixed cost of a launch would be most of the shortest time. */
const SCAN = { B: 8, I: 128, N: 16 };

function scanPlan(T: number, { backward = true } = {}): Plan {
  const { B, I, N } = SCAN;
  return recorded(`scan ${T}`, (tape) => {
    const input = (name: string, shape: readonly number[]) => tape.input(name, shape, { gradient: true });
    return selectiveScan(tape, {
      udt: withRows(input("udt", [B, T, 2, I]), 2),
      bc: withRows(input("bc", [B, T, 2, N]), 2),
      z: input("z", [B, T, I]),
      aLog: input("aLog", [I, N]),
      skip: input("skip", [I]),
      dtBias: input("dtBias", [I]),
    }).y;
  }, { backward });
}

async function milliseconds(executor: Executor, plan: Plan): Promise<number> {
  const program = await executor.prepare(plan);
  try {
    for (const [step, x] of plan.inputs.entries()) {
      program.write(x, fillNormal(new Float32Array(x.rows * x.columns), { seed: 1, stream: 100, step }));
    }
    return 1000 * await kernelTime(program, { runs: 12 });
  } finally {
    program.dispose();
  }
}

/** Least-squares slope of log time over log length. */
function slope(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([length, ms]) => [Math.log(length), Math.log(ms)] as const), n = logs.length;
  const x = logs.reduce((sum, [length]) => sum + length, 0) / n, y = logs.reduce((sum, [, time]) => sum + time, 0) / n;
  return logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) /
    logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

async function series(executor: Executor, lengths: readonly number[], plan: (T: number) => Plan) {
  const points: [number, number][] = [];
  for (const T of lengths) points.push([T, await milliseconds(executor, plan(T))]);
  return { points, slope: slope(points) };
}

const opened = await openBackend({ ...values, toggles: EXACT_TIMESTAMPS, onProgress: (line) => console.error(line) });
const { executor } = opened;
const show = (name: string, { points, slope }: Awaited<ReturnType<typeof series>>) =>
  console.log(
    `${name.padEnd(36)} ${points.map(([T, ms]) => `T ${T}: ${ms.toFixed(1)} ms`).join(", ")}; slope ${
      slope.toFixed(2)
    }`,
  );
console.log(`${opened.backend}, ${opened.adapter.name}; attention forward and backward, B 1, ${JSON.stringify(HEADS)}`);
const windowed = await series(executor, LENGTHS.attention, (T) => attentionPlan(T, WINDOWED));
const whole = await series(executor, LENGTHS.attention, (T) => attentionPlan(T, GLOBAL));
const pairsOf = (mask: Visibility) => LENGTHS.attention.map((T) => [T, visiblePairs(T, mask)] as const);
const compared = ({ points }: typeof windowed) => present(points.find(([T]) => T === COMPARED), `T ${COMPARED}`)[1];
show("attention, window 128, 64 meta", windowed);
console.log(`${"".padEnd(36)} visible pairs alone: slope ${slope(pairsOf(WINDOWED)).toFixed(2)}`);
show("attention, global", whole);
const pairs = visiblePairs(COMPARED, WINDOWED) / visiblePairs(COMPARED, GLOBAL);
console.log(
  `windowed / global at T ${COMPARED}: ${(compared(windowed) / compared(whole)).toFixed(3)}; visible pairs alone: ${
    pairs.toFixed(3)
  }`,
);
const forward = await series(executor, LENGTHS.scan, (T) => scanPlan(T, { backward: false }));
const both = await series(executor, LENGTHS.scan, scanPlan);
const points = both.points.map(([T, ms], i) => [T, ms - at(forward.points, i)[1]] as [number, number]);
show("scan forward, B 8, I 128, N 16", forward);
show("scan backward", { points, slope: slope(points) });
show("scan, both", both);
await executor.close();
Deno.exit(0);
