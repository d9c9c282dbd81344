import type { LowerContext } from "../../core/webgpu/launch.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";

/** An adapter that is treated as a GPU: its kernels are those of GPUs. Queries behind the windows of meta tokens are divided, as in long sequences. */
export class AsGpu extends WebgpuExecutor {
  constructor(base: WebgpuExecutor) {
    super({ ...base.gpu, device: base.gpu.device, failure: () => base.gpu.failure(), adapterClass: "discrete" }, base);
  }

  override context(): LowerContext {
    return { ...super.context(), metaSpans: 2 };
  }
}
