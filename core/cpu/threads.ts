/** The threads of the CPU executor: started once, asleep between runs, ended by `close`. */
import { Worker } from "node:worker_threads";
import { HymbaError } from "../errors.ts";
import type { SharedHeap } from "./memory.ts";
import { CLOCK, CONTROL, type ThreadData, type ThreadMessage } from "./worker.ts";
import { at } from "../lists.ts";

const CONTROL_BYTES = 64;

/** The launches of a run, in shared memory. */
export interface Run {
  /** Byte address of the first launch. */
  readonly launches: number;
  readonly count: number;
  /** Byte address of the workspaces, and bytes of the workspace of each thread. */
  readonly workspace: number;
  readonly workspaceBytes: number;
  /** Measure each launch and add its time to its record. */
  readonly timed: boolean;
  /** The first thread does it all: for launches that are shorter than waiting for each other. The bits are the same. */
  readonly alone?: boolean;
}

export class ThreadPool {
  readonly count: number;
  readonly #heap: SharedHeap;
  readonly #control: number;
  readonly #workers: Worker[];
  #failure: HymbaError | undefined;
  #closed = false;
  #waiting: { resolve: () => void; reject: (problem: HymbaError) => void } | undefined;

  /** Resolves when every thread has instantiated the module and waits for the first run. */
  static async start(
    heap: SharedHeap,
    { module, threads }: { module: WebAssembly.Module; threads: number },
  ): Promise<ThreadPool> {
    const control = heap.allocate(CONTROL_BYTES, "threads");
    heap.words(control, CONTROL_BYTES / 4).fill(0);
    const workers = Array.from({ length: threads }, (_, thread) => {
      const workerData: ThreadData = { memory: heap.memory, module, control, thread, threads };
      return new Worker(new URL("./worker.ts", import.meta.url), { workerData });
    });
    const pool = new ThreadPool(heap, { control, workers });
    try {
      await Promise.all(workers.map((worker) => pool.#ready(worker)));
    } catch (cause) {
      await pool.close();
      throw cause;
    }
    // Sleeping threads must not keep the process alive.
    for (const worker of workers) worker.unref();
    return pool;
  }

  private constructor(heap: SharedHeap, { control, workers }: { control: number; workers: Worker[] }) {
    [this.#heap, this.#control, this.#workers] = [heap, control, workers];
    this.count = workers.length;
    for (const worker of workers) {
      worker.on("message", (message: ThreadMessage) => this.#receive(message));
      worker.on("error", (problem: unknown) => this.#fail(String(problem)));
    }
  }

  /** Computes a list of launches. Only one run at a time is possible. */
  async run({ launches, count, workspace, workspaceBytes, timed, alone = false }: Run): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new HymbaError("the CPU executor is closed");
    if (this.#waiting) throw new HymbaError("the CPU executor runs one plan at a time: await the run before");
    if (count === 0) return;
    const words = this.#words();
    [words[CONTROL.launches], words[CONTROL.count]] = [launches, count];
    [words[CONTROL.workspace], words[CONTROL.workspaceBytes]] = [workspace, workspaceBytes];
    words[CONTROL.timed] = timed ? 1 : 0;
    if (timed) {
      new Float64Array(words.buffer, this.#control + CLOCK, 1)[0] = performance.timeOrigin + performance.now();
    }
    const done = new Promise<void>((resolve, reject) => this.#waiting = { resolve, reject });
    at(this.#workers, 0).ref();
    Atomics.store(words, CONTROL.run, (((Atomics.load(words, CONTROL.run) >> 1) + 1) << 1) | (alone ? 1 : 0));
    Atomics.notify(words, CONTROL.run);
    try {
      await done;
    } finally {
      this.#waiting = undefined;
      at(this.#workers, 0).unref();
    }
  }

  /** Ends all threads. A run in progress ends with an error. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const words = this.#words();
    Atomics.store(words, CONTROL.stop, 1);
    for (const word of [CONTROL.run, CONTROL.phase]) {
      Atomics.add(words, word, 1);
      Atomics.notify(words, word);
    }
    this.#waiting?.reject(new HymbaError("the CPU executor was closed during a run"));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #ready(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once(
        "error",
        (cause: unknown) => reject(new HymbaError("a thread did not start", { got: String(cause) })),
      );
    });
  }

  #receive(message: ThreadMessage): void {
    if ("done" in message) this.#waiting?.resolve();
    else if ("failed" in message) this.#fail(message.failed);
  }

  #fail(problem: string): void {
    this.#failure ??= new HymbaError("a kernel of the CPU executor failed", {
      got: problem,
      hint: "--backend webgpu runs without it",
    });
    this.#waiting?.reject(this.#failure);
  }

  #words(): Int32Array<SharedArrayBuffer> {
    return this.#heap.words(this.#control, CONTROL_BYTES / 4);
  }
}
