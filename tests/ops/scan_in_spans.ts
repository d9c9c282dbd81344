import type { LowerContext } from "../../core/webgpu/launch.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";

/** An executor whose scans go through workgroup memory, as on a GPU, in `spans` spans; all other kernels are the adapter's. */
export class ScanInSpans extends WebgpuExecutor {
  constructor(base: WebgpuExecutor, readonly spans: number) {
    super(base.gpu, base);
  }

  override context(): LowerContext {
    return { ...super.context(), subgroupSize: 0, scanSpans: this.spans };
  }
}
