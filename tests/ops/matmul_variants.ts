import type { Plan } from "../../core/plan/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { type Launch, lowerContext, type Lowering } from "../../core/webgpu/launch.ts";
import { subgroups, tiles } from "../../core/webgpu/ops/matmul.ts";

/** Every way to carry a product out, whatever the adapter would choose for the shape. */
export const VARIANTS: Record<string, Lowering> = {
  tiles: (step, context) => tiles(step, context),
  "tiles, k in 3 slices": (step, context) => tiles(step, context, 3),
  "subgroups, b in fours": (step, context) => subgroups(step, context, true),
  "subgroups, b one by one": (step, context) => subgroups(step, context, false),
};

/** An executor that carries products out in one of the ways. */
export class Forced extends WebgpuExecutor {
  constructor(base: WebgpuExecutor, readonly variant: Lowering) {
    super(base.gpu, base.options);
  }

  override lower(plan: Plan): (Launch & { step: number })[] {
    const { subgroupMinSize, subgroupMaxSize } = this.gpu.device.adapterInfo;
    const context = lowerContext(this.gpu.adapterClass, {
      subgroupSize: subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0,
    });
    return plan.steps.flatMap((step, index) =>
      this.variant(step, context).map((launch) => ({ ...launch, step: index }))
    );
  }
}
