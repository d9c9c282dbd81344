/** The pool of a page that may not share memory with workers: the thread that calls computes, and waits meanwhile. */
import { HymbaError } from "../errors.ts";
import { thisHost } from "../system/host.ts";
import { KernelThread } from "./kernel_thread.ts";
import type { SharedHeap } from "./shared_memory.ts";
import { describeRun, newControl, type Pool, type Run } from "./pool.ts";

/** Whether workers may get the memory. In a browser, only pages that are isolated from other origins can share it. */
export const canShareMemory = (): boolean =>
  thisHost() !== "browser" || Reflect.get(globalThis, "crossOriginIsolated") === true;

export class CallingThread implements Pool {
  readonly count = 1;
  readonly #thread: KernelThread;
  readonly #control: number;
  #closed = false;

  constructor(private readonly heap: SharedHeap, { module }: { module: WebAssembly.Module }) {
    this.#control = newControl(heap);
    this.#thread = new KernelThread({ memory: heap.memory, module, control: this.#control, thread: 0, threads: 1 });
  }

  run(run: Run): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) throw new HymbaError("the CPU executor is closed");
      describeRun(this.heap, this.#control, run);
      this.#thread.runHere();
      resolve();
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
