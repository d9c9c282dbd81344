/**
 * What the precisions cost in time: a training step of `quick` in f32, bf16 and f16, and on an adapter with f16 the same product by
 * each kind of kernel.
 *
 *     deno run -A tests/precision/times.ts [--backend cpu] [--adapter llvmpipe] [--rounds 5] [--out results/bench/precision-times.json]
 *
 * The precisions of a model take turns in one run, and the least of the rounds counts, so ratios are meaningful on a busy machine.
 * The file keeps one report per backend.
 */
import { parseArgs } from "node:util";
import { openBackend } from "../../core/backend/mod.ts";
import { PRECISIONS } from "../../core/config/mod.ts";
import { drawnContents, fill, singleStep } from "../../core/bench/single_step.ts";
import { benchObjective } from "../../core/bench/step.ts";
import { feed } from "../../core/train/objective.ts";
import { kernelTime } from "../../core/bench/timing.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { initialLossScale } from "../../core/ops/loss_scale.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor, Program } from "../../core/plan/mod.ts";
import { isStepOf, stepOf, Storage, tensorOver } from "../../core/tensor/mod.ts";
import { keptIn, trainingPlan } from "../../core/train/plans.ts";
import { lowerContext } from "../../core/webgpu/launch.ts";
import { WebgpuExecutor } from "../../core/webgpu/mod.ts";
import { type Product, subgroups, tiles } from "../../core/webgpu/ops/matmul.ts";
import { MATMUL_TILES } from "../../core/webgpu/tiles.ts";
import type { ProductTime, StepTime, TimesReport } from "./times_table.ts";
import { timesTable } from "./times_table.ts";
import { matmulOp } from "../../core/ops/linear.ts";

const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "cpu" },
    adapter: { type: "string" },
    rounds: { type: "string", default: "5" },
    out: { type: "string", default: "results/bench/precision-times.json" },
  },
});
const rounds = Number(values.rounds);

/** Seconds of one replay, including the wait for the device. */
async function seconds(program: Program): Promise<number> {
  const start = performance.now();
  await program.run();
  await program.drainMetrics();
  return (performance.now() - start) / 1000;
}

async function stepTimes(executor: Executor): Promise<StepTime[]> {
  const { arms, pretraining: { batch: B }, sequenceLength: T } = resolvedStudy("quick"), found: StepTime[] = [];
  for (const { name, config } of arms) {
    const store = new ParameterStore(config), programs: Program[] = [];
    store.initialise(executor, 1);
    executor.write(store.lossScale, initialLossScale());
    for (const precision of PRECISIONS) {
      const made = trainingPlan(store, { B, T, decay: 0.1, ...keptIn(precision) });
      const program = await executor.prepare(made.plan);
      feed(program, benchObjective(made, { V: config.vocabSize }), { step: 1, rate: 1e-4 });
      programs.push(program);
    }
    const best = programs.map(() => Infinity);
    for (let round = -1; round < rounds; round++) {
      for (const [i, program] of programs.entries()) {
        const time = await seconds(program);
        if (round >= 0) best[i] = Math.min(best[i]!, time);
      }
    }
    found.push({ arm: name, ms: Object.fromEntries(PRECISIONS.map((precision, i) => [precision, 1000 * best[i]!])) });
    console.error(JSON.stringify(found.at(-1)));
    for (const program of programs) program.dispose();
    store.release(executor);
  }
  return found;
}

const PRODUCTS = [{ M: 832, N: 384, K: 64 }, { M: 1024, N: 1024, K: 512 }];
const LARGE = "64x64x16";

/** One product by the kernel for software adapters and by workgroup tiles with operands in f32 and in f16. */
async function productTimes(executor: WebgpuExecutor): Promise<ProductTime[]> {
  const { device, adapterClass } = executor.gpu, found: ProductTime[] = [];
  if (!device.features.has("shader-f16")) return found;
  const matrix = (name: string, rows: number, columns: number) =>
    tensorOver(new Storage(name, rows * columns, "f32"), [rows, columns]);
  const [tile, subgroup] = [MATMUL_TILES[LARGE]!, MATMUL_TILES["subgroup-8"]!];
  if (tile.kernel !== "workgroup" || subgroup.kernel !== "subgroup") throw new Error("tiles have other names");
  for (const { M, N, K } of PRODUCTS) {
    const product = {
      attributes: { M, N, K, transA: 0, transB: 0, f16: 1 },
      reads: { a: matrix("a", M, K), b: matrix("b", K, N) },
      writes: { c: matrix("c", M, N) },
      accumulate: [],
    };
    const step = stepOf(matmulOp, product);
    const single = singleStep(step, { count: 4 });
    const context = (f16Products: boolean) =>
      lowerContext(adapterClass, { subgroupSize: executor.context().subgroupSize, f16Products });
    const ways = {
      subgroup: (step: Product) => subgroups(step, context(false), { tile: subgroup }),
      tile: (step: Product) => tiles(step, context(false), { tile }),
      f16: (step: Product) => tiles(step, context(true), { tile }),
    };
    const programs = await Promise.all(
      Object.values(ways).map((way) =>
        executor.prepareLaunches(
          single.plan,
          single.plan.steps.flatMap((step, index) =>
            isStepOf(step, matmulOp) ? way(step).map((launch) => ({ ...launch, step: index })) : []
          ),
        )
      ),
    );
    const best = programs.map(() => Infinity);
    for (const program of programs) fill(program, single, drawnContents([], { V: 1 }));
    for (let round = 0; round < rounds; round++) {
      for (const [i, program] of programs.entries()) {
        best[i] = Math.min(best[i]!, await kernelTime(program, { runs: 2 }) / 4);
      }
    }
    const gflop_per_s = Object.fromEntries(Object.keys(ways).map((name, i) => [name, step.flops / best[i]! / 1e9]));
    found.push({ M, N, K, gflop_per_s: gflop_per_s as ProductTime["gflop_per_s"] });
    console.error(JSON.stringify(found.at(-1)));
    for (const program of programs) program.dispose();
  }
  return found;
}

async function kept(): Promise<TimesReport[]> {
  try {
    return JSON.parse(await Deno.readTextFile(values.out));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const opened = await openBackend({ backend: values.backend, adapter: values.adapter }), { executor, adapter } = opened;
const report: TimesReport = {
  adapter: { name: String(adapter.name) },
  rounds,
  steps: await stepTimes(executor),
  products: executor instanceof WebgpuExecutor ? await productTimes(executor) : [],
};
await executor.close();
const others = (await kept()).filter(({ adapter: { name } }) => name !== report.adapter.name);
const reports = [...others, report];
await Deno.writeTextFile(values.out, `${JSON.stringify(reports, null, 1)}\n`);
console.log(timesTable(reports));
