import type { LowerContext } from "../../core/webgpu/launch.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { MATMUL_TILES } from "../../core/webgpu/tiles.ts";
import { executors } from "./executors.ts";

/** An executor that computes products from f16 operands, even if its adapter does not gain from it. All other kernels are the adapter's. */
export class F16Products extends WebgpuExecutor {
  constructor(base: WebgpuExecutor, readonly tile: string) {
    super(base.gpu, base);
  }

  override get f16Products(): boolean {
    return true;
  }

  override context(): LowerContext {
    return { ...super.context(), tileOf: () => MATMUL_TILES[this.tile] };
  }
}

/** The opened adapter as such an executor. Undefined, with the reason printed, if it has no f16. Small tiles compile faster. */
export async function f16Products(tile = "32x32x16"): Promise<F16Products | undefined> {
  const base = (await executors()).find((executor) => executor instanceof WebgpuExecutor);
  if (base instanceof WebgpuExecutor && base.gpu.device.features.has("shader-f16")) return new F16Products(base, tile);
  console.log("skipped: this adapter has no shader-f16");
  return undefined;
}
