/**
 * Compares the forms of the scan: `deno run -A tests/bench/scan_forms.ts [--adapter TEXT] [--length T] [--runs N] [--shapes BxI,…]
 * [--pass forward|both]`. Prints one line per shape with milliseconds of processor time and of wall time, for forward, and for forward
 * and backward. If on a software adapter with two cores the ratio of the two is less than two, a core waits. Forms take turns, and
 * the best run counts.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { at } from "../../core/lists.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { finish, type Plan, type Program } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns, Tape, withRows } from "../../core/tensor/mod.ts";
import { openWebgpu, type WebgpuExecutor } from "../../core/webgpu/mod.ts";
import { ScanInSpans } from "../ops/scan_in_spans.ts";

const { values } = parseArgs({
  options: {
    adapter: { type: "string" },
    length: { type: "string", default: "2048" },
    runs: { type: "string", default: "3" },
    shapes: { type: "string", default: "1x256,1x1024,16x256,16x1024" },
    pass: { type: "string" },
  },
});
const SHAPES = values.shapes.split(",").map((shape) => {
  const [B, I] = shape.split("x").map(Number) as [number, number];
  return { B, I, T: Number(values.length), N: 16 };
});

function planOf({ B, T, I, N, backward }: { B: number; T: number; I: number; N: number; backward: boolean }): Plan {
  const tape = new Tape(backward);
  const input = (name: string, shape: readonly number[]) => tape.input(name, shape, { gradient: backward });
  const { y } = selectiveScan(tape, {
    udt: withRows(input("udt", [B, T, 2, I]), 2),
    bc: withRows(input("bc", [B, T, 2, N]), 2),
    z: input("z", [B, T, I]),
    aLog: input("aLog", [I, N]),
    skip: input("skip", [I]),
    dtBias: input("dtBias", [I]),
  });
  if (backward) tape.backward([[y, tape.input("cotangent", y.shape)]]);
  return finish(tape, { name: "scan", metrics: [sliceColumns({ ...y, rows: 1 }, 0, [1])] });
}

interface Times {
  processor: number;
  wall: number;
}

async function once(program: Program): Promise<Times> {
  const start = performance.now(), used = process.cpuUsage();
  await program.run();
  await program.drainMetrics();
  const { user, system } = process.cpuUsage(used);
  return { processor: (user + system) / 1000, wall: performance.now() - start };
}

/** Best times of the programs. They take turns, so that a busy machine affects all of them. */
async function inTurns(programs: readonly Program[]): Promise<Times[]> {
  for (const program of programs) await once(program);
  const best = programs.map((): Times => ({ processor: Infinity, wall: Infinity }));
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [i, program] of programs.entries()) {
      const { processor, wall } = await once(program), least = at(best, i);
      least.processor = Math.min(least.processor, processor);
      least.wall = Math.min(least.wall, wall);
    }
  }
  return best;
}

async function prepared(executor: WebgpuExecutor, plan: Plan): Promise<Program> {
  const program = await executor.prepare(plan);
  for (const [step, x] of plan.inputs.entries()) {
    program.write(x, fillNormal(new Float32Array(x.rows * x.columns), { seed: 1, stream: 100, step }));
  }
  return program;
}

const usual = await openWebgpu(values.adapter === undefined ? {} : { adapter: values.adapter });
const forms = {
  "usual": usual,
  "one span": new ScanInSpans(usual, 1),
  "4 spans": new ScanInSpans(usual, 4),
};
for (const backward of [false, true].filter((both) => !values.pass || both === (values.pass === "both"))) {
  for (const shape of SHAPES) {
    const programs: Program[] = [];
    for (const executor of Object.values(forms)) {
      programs.push(await prepared(executor, planOf({ ...shape, backward })));
    }
    const times = await inTurns(programs);
    for (const program of programs) program.dispose();
    const cells = Object.keys(forms).map((form, i) => {
      const { processor, wall } = at(times, i);
      return `${form} ${processor.toFixed(1)} (${wall.toFixed(1)})`;
    });
    console.log(`${backward ? "both" : "forward"}, B ${shape.B}, I ${shape.I}: ${cells.join(", ")}`);
  }
}
await usual.close();
Deno.exit(0);
