/** The threads of the CPU executor: started once, asleep between runs, ended by `close`. */
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { CONTROL, type ThreadMessage } from "./kernel_thread.ts";
import type { SharedHeap } from "./memory.ts";
import { describeRun, newControl, type Pool, type Run, wordsAt } from "./pool.ts";
import { type StartedWorker, startWorker } from "./start_worker.ts";

/** Promises without a value, and who settles them. */
type Waiting = ReturnType<typeof Promise.withResolvers<void>>;

export class ThreadPool implements Pool {
  readonly count: number;
  readonly #heap: SharedHeap;
  readonly #control: number;
  readonly #workers: StartedWorker[];
  /** Settled when each thread has started. */
  readonly #starting: Waiting[];
  #failure: HymbaError | undefined;
  #closed = false;
  #waiting: Waiting | undefined;

  /** Resolves when every thread has instantiated the module and waits for the first run. */
  static async start(
    heap: SharedHeap,
    { module, threads }: { module: WebAssembly.Module; threads: number },
  ): Promise<ThreadPool> {
    const pool = new ThreadPool(heap, { module, threads });
    try {
      await Promise.all(pool.#starting.map(({ promise }) => promise));
    } catch (cause) {
      await pool.close();
      throw cause;
    }
    // Sleeping threads must not keep the process alive.
    for (const worker of pool.#workers) worker.keepsAlive(false);
    return pool;
  }

  private constructor(heap: SharedHeap, { module, threads }: { module: WebAssembly.Module; threads: number }) {
    const control = newControl(heap), { memory } = heap;
    this.#heap = heap;
    this.#control = control;
    this.count = threads;
    this.#starting = Array.from({ length: threads }, () => Promise.withResolvers<void>());
    this.#workers = this.#starting.map((starting, thread) =>
      startWorker({ memory, module, control, thread, threads }, {
        onMessage: (message) => this.#receive(message, starting),
        onError: (problem) => {
          starting.reject(new HymbaError("a thread did not start", { got: problem }));
          this.#fail(problem);
        },
      })
    );
  }

  /** Computes a list of launches. Only one run at a time is possible. */
  async run(run: Run): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new HymbaError("the CPU executor is closed");
    if (this.#waiting) throw new HymbaError("the CPU executor runs one plan at a time: await the run before");
    if (run.count === 0) return;
    const words = wordsAt(this.#heap, this.#control), first = at(this.#workers, 0);
    describeRun(this.#heap, this.#control, run);
    this.#waiting = Promise.withResolvers<void>();
    first.keepsAlive(true);
    Atomics.store(words, CONTROL.run, (((Atomics.load(words, CONTROL.run) >> 1) + 1) << 1) | (run.alone ? 1 : 0));
    Atomics.notify(words, CONTROL.run);
    try {
      await this.#waiting.promise;
    } finally {
      this.#waiting = undefined;
      first.keepsAlive(false);
    }
  }

  /** Ends all threads. A run in progress ends with an error. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const words = wordsAt(this.#heap, this.#control);
    Atomics.store(words, CONTROL.stop, 1);
    for (const word of [CONTROL.run, CONTROL.phase]) {
      Atomics.add(words, word, 1);
      Atomics.notify(words, word);
    }
    this.#waiting?.reject(new HymbaError("the CPU executor was closed during a run"));
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }

  #receive(message: ThreadMessage, starting: Waiting): void {
    if ("ready" in message) starting.resolve();
    else if ("done" in message) this.#waiting?.resolve();
    else this.#fail(message.failed);
  }

  #fail(problem: string): void {
    this.#failure ??= new HymbaError("a kernel of the CPU executor failed", {
      got: problem,
      hint: "--backend webgpu runs without it",
    });
    this.#waiting?.reject(this.#failure);
  }
}
