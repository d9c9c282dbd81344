/** The threads of the CPU executor: started once, asleep between runs, ended by `close`. */
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { eventsTurn } from "../system/events.ts";
import { CONTROL, KernelThread, type ThreadMessage } from "./kernel_thread.ts";
import type { SharedHeap } from "./shared_memory.ts";
import { describeRun, newControl, type Pool, type Run, wordsAt } from "./pool.ts";
import { type StartedWorker, startWorker } from "./start_worker.ts";

/** Milliseconds of runs on the calling thread after which other events have their turn. */
const MOST_MS = 30;

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
  /** Computes runs that are too short to wake the threads. */
  readonly #caller: KernelThread;
  #calling = false;
  /** When other events of the program had their turn. */
  #lastTurn = performance.now();

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
    this.#caller = new KernelThread({ memory, module, control, thread: 0, threads: 1 });
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
    if (this.#waiting || this.#calling) {
      throw new HymbaError("the CPU executor runs one plan at a time: await the run before");
    }
    if (run.count === 0) return;
    if (run.here) return await this.#runHere(run);
    const words = wordsAt(this.#heap, this.#control), first = at(this.#workers, 0);
    describeRun(this.#heap, this.#control, run);
    this.#waiting = Promise.withResolvers<void>();
    first.keepsAlive(true);
    Atomics.add(words, CONTROL.run, 1);
    Atomics.notify(words, CONTROL.run);
    try {
      await this.#waiting.promise;
    } finally {
      this.#waiting = undefined;
      first.keepsAlive(false);
    }
  }

  /** Computes on the calling thread. Now and then other events of the program get their turn. */
  async #runHere(run: Run): Promise<void> {
    this.#calling = true;
    describeRun(this.#heap, this.#control, run);
    try {
      this.#caller.runHere();
      await (performance.now() - this.#lastTurn < MOST_MS ? undefined : this.#takeTurn());
    } catch (problem) {
      this.#fail(String(problem));
      throw this.#failure;
    } finally {
      this.#calling = false;
    }
  }

  async #takeTurn(): Promise<void> {
    await eventsTurn();
    this.#lastTurn = performance.now();
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
