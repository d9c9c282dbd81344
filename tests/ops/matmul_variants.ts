import type { Plan } from "../../core/plan/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import type { Launch, Lowering } from "../../core/webgpu/launch.ts";
import { subgroups, tiles } from "../../core/webgpu/ops/matmul.ts";
import { matmulOp } from "../../core/ops/linear.ts";
import { isStepOf } from "../../core/tensor/mod.ts";
import { MATMUL_TILES } from "../../core/webgpu/tiles.ts";

const LARGE = { across: 8, down: 8, rowQuads: 2, columnQuads: 2, depth: 16 } as const,
  ROWS_8 = { rowQuads: 2, transposed: false } as const;

const FOURS = "subgroups, rows in fours";

/** Every way to carry a product out, whatever the adapter would choose for the shape. */
export const VARIANTS: Record<string, Lowering<"matmul">> = {
  ...Object.fromEntries(
    Object.entries(MATMUL_TILES).map(([name, tile]): [string, Lowering<"matmul">] => [
      name,
      (step, context) =>
        tile.kernel === "subgroup" ? subgroups(step, context, { tile }) : tiles(step, context, { tile }),
    ]),
  ),
  "64x64x16, k in 3 slices": (step, context) => tiles(step, context, { tile: LARGE, slices: 3 }),
  [FOURS]: (step, context) => subgroups(step, context, { tile: ROWS_8, vec4: true }),
  "subgroups, rows one by one": (step, context) => subgroups(step, context, { tile: ROWS_8, vec4: false }),
};

/** The ways that take every shape; the others want rows of whole fours. */
export const FOR_EVERY_SHAPE: readonly Lowering<"matmul">[] = Object.entries(VARIANTS).filter(([name]) =>
  name !== FOURS
).map(
  ([, way]) => way,
);

/** An executor that uses one of the variants for products. */
export class Forced extends WebgpuExecutor {
  constructor(base: WebgpuExecutor, readonly variant: Lowering<"matmul">) {
    super(base.gpu, base);
  }

  override lower(plan: Plan): (Launch & { step: number })[] {
    const context = this.context();
    return plan.steps.flatMap((step, index) =>
      isStepOf(step, matmulOp) ? this.variant(step, context).map((launch) => ({ ...launch, step: index })) : []
    );
  }
}
