/** Finds the fastest tile on an adapter for each matrix product of a study's training steps. */
import type { Arm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import { matmulOp } from "../ops/linear.ts";
import type { AttributesNamed } from "../ops/registry.ts";
import { type Step, stepOf, Storage, tensorOver } from "../tensor/mod.ts";
import { trainingPlan } from "../train/plans.ts";
import type { WebgpuExecutor } from "../webgpu/mod.ts";
import { candidatesOf, shapeKey } from "../webgpu/tiles.ts";
import { drawnContents, fill, singleStep } from "./single_step.ts";
import { time } from "./timing.ts";

/** The result of one shape. `--json` prints these names. */
export interface TunedShape {
  readonly shape: string;
  readonly tile: string;
  readonly gflop_per_s: number;
  /** The rate of every candidate (10⁹ flops per second). */
  readonly tried: Readonly<Record<string, number>>;
}

/** The distinct shapes of all products in the training steps of several models. */
export function productShapes(
  executor: WebgpuExecutor,
  arms: readonly Arm[],
  { B, T }: { B: number; T: number },
): AttributesNamed<"matmul">[] {
  const found = new Map<string, AttributesNamed<"matmul">>();
  for (const { config } of arms) {
    const { plan } = trainingPlan(new ParameterStore(config), { B, T, decay: 0.1 });
    for (const attributes of executor.productsOf(plan)) found.set(shapeKey(attributes), attributes);
  }
  return [...found.values()];
}

/** Products with fewer flops than this are repeated within a run. */
const FEW_FLOPS = 1e8, REPEATED = 16;

function productStep(attributes: AttributesNamed<"matmul">): Step {
  const { M, N, K, transA, transB } = attributes;
  const matrix = (name: string, rows: number, columns: number) =>
    tensorOver(new Storage(name, rows * columns, "f32"), [rows, columns]);
  const a = transA ? matrix("a", K, M) : matrix("a", M, K), b = transB ? matrix("b", N, K) : matrix("b", K, N);
  return stepOf(matmulOp, { attributes, reads: { a, b }, writes: { c: matrix("c", M, N) } });
}

/** Times every candidate of the adapter's class at one shape. Afterwards the executor has its previous tiles again. */
export async function tuneShape(
  executor: WebgpuExecutor,
  attributes: AttributesNamed<"matmul">,
  { runs }: { runs: number },
): Promise<TunedShape> {
  const step = productStep(attributes), count = step.flops < FEW_FLOPS ? REPEATED : 1, shape = shapeKey(attributes);
  const before = executor.tiles, tried: Record<string, number> = {};
  try {
    for (const tile of candidatesOf(executor.gpu.adapterClass, executor.context())) {
      executor.useTiles({ [shape]: tile });
      const single = singleStep(step, { count }), program = await executor.prepare(single.plan);
      try {
        fill(program, single, drawnContents([], { V: 1 }));
        tried[tile] = step.flops * count / (await time(program, { runs })).best / 1e9;
      } finally {
        program.dispose();
      }
    }
  } finally {
    executor.useTiles(before);
  }
  const [tile, gflop_per_s] = Object.entries(tried).reduce((best, next) => next[1] > best[1] ? next : best);
  return { shape, tile, gflop_per_s, tried };
}
