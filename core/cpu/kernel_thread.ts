/**
 * One thread of the CPU executor. It sleeps until a run starts. All threads go through the whole list of launches: they take
 * blocks of a launch from a shared counter, and wait for each other after each launch. Launches of one block behind it are done
 * by the thread that arrives last, before the others go on. Nothing is imported from the program, so that a worker loads quickly.
 */

/** Words of the control block, shared with threads.ts. */
export const CONTROL = {
  /** Counts runs; the sleeping threads wait for it to change. */
  run: 0,
  /** Counts launches that all threads have finished; the barrier waits for it to change. */
  phase: 1,
  /** Threads that have arrived at the barrier. */
  arrived: 2,
  /** 1 once a thread has failed, or when the threads have to end. */
  stop: 3,
  /** Byte address of the first launch of the run, and the number of launches. */
  launches: 4,
  count: 5,
  /** Byte address of the workspaces, and bytes of the workspace of each thread. */
  workspace: 6,
  workspaceBytes: 7,
  /** 1: add the time of each launch to its record. */
  timed: 8,
} as const;

/** Byte of the control block with a f64: the time in milliseconds at which the previous launch ended. */
export const CLOCK = 56;

/** Words of a launch: kernel, address of the arguments, blocks, the next block to take, milliseconds (two words: a f64). */
export const LAUNCH = { kernel: 0, args: 1, blocks: 2, next: 3, time: 4, words: 6 } as const;

export interface ThreadData {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  /** Byte address of the control block. */
  readonly control: number;
  readonly thread: number;
  readonly threads: number;
}

/** A message to the main thread: the thread is ready, the run is over, or a kernel failed. */
export type ThreadMessage = { ready: true } | { done: number } | { failed: string };

type KernelFunction = (args: number, block: number, workspace: number) => void;

/** Polls of the barrier before a thread sleeps: about ten microseconds, as long as waking up takes. */
const SPINS = 4000;

/** An element that must exist. Throws a RangeError when it does not. */
function at<T>(list: ArrayLike<T>, index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`a list of ${list.length} has no element ${index}`);
  return value;
}

export class KernelThread {
  readonly #data: ThreadData;
  readonly #kernels: readonly KernelFunction[];
  readonly #words: Int32Array;
  /** The whole memory. The views are renewed before a run if the memory has grown. */
  #launches: Int32Array;
  #times: Float64Array;
  /** Threads that wait for each other. */
  readonly #threads: number;

  constructor(data: ThreadData) {
    const { memory, module, control } = data, { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.#data = data;
    this.#threads = data.threads;
    this.#kernels = Object.keys(exports).filter((name) => typeof exports[name] === "function").sort()
      .map((name) => exports[name] as unknown as KernelFunction);
    this.#words = new Int32Array(memory.buffer, control, 16);
    this.#launches = new Int32Array(memory.buffer);
    this.#times = new Float64Array(memory.buffer);
  }

  /** Computes a run at once; the data say that there is one thread. Throws what a kernel throws. */
  runHere(): void {
    this.#seeGrowth();
    this.#walk();
  }

  /** Sleeps and runs in turns until the threads are stopped. */
  serve(post: (message: ThreadMessage) => void): void {
    const words = this.#words, { thread } = this.#data;
    let started = 0;
    post({ ready: true });
    for (;;) {
      Atomics.wait(words, CONTROL.run, started);
      if (Atomics.load(words, CONTROL.stop) !== 0) return;
      if (Atomics.load(words, CONTROL.run) === started) continue;
      started = Atomics.load(words, CONTROL.run);
      this.#seeGrowth();
      try {
        const finished = this.#walk();
        if (finished && thread === 0) post({ done: started });
      } catch (problem) {
        Atomics.store(words, CONTROL.stop, 1);
        Atomics.add(words, CONTROL.phase, 1);
        Atomics.notify(words, CONTROL.phase);
        post({ failed: String(problem) });
      }
    }
  }

  #seeGrowth(): void {
    const { buffer } = this.#data.memory;
    if (this.#launches.buffer === buffer) return;
    this.#launches = new Int32Array(buffer);
    this.#times = new Float64Array(buffer);
  }

  /** Computes all launches of the run. False when a thread failed. */
  #walk(): boolean {
    const words = this.#words, launches = this.#launches;
    const first = at(words, CONTROL.launches) >>> 2, count = at(words, CONTROL.count);
    const workspace = (at(words, CONTROL.workspace) >>> 0) + this.#data.thread * at(words, CONTROL.workspaceBytes);
    for (let i = 0; i < count;) {
      const launch = first + i * LAUNCH.words, blocks = at(launches, launch + LAUNCH.blocks);
      let next = i + 1;
      while (next < count && at(launches, first + next * LAUNCH.words + LAUNCH.blocks) === 1) next++;
      for (;;) {
        const block = Atomics.add(launches, launch + LAUNCH.next, 1);
        if (block >= blocks) break;
        this.#compute(launch, { block, workspace });
      }
      if (!this.#barrier(launch, { end: first + next * LAUNCH.words, workspace })) return false;
      i = next;
    }
    return true;
  }

  #compute(launch: number, { block, workspace }: { block: number; workspace: number }): void {
    at(this.#kernels, at(this.#launches, launch + LAUNCH.kernel))(
      at(this.#launches, launch + LAUNCH.args),
      block,
      workspace,
    );
  }

  /**
   * Waits for all threads of the run. False when one of them failed. The last thread resets the counter of the launch and computes
   * the launches of one block between it and `end`.
   */
  #barrier(launch: number, { end, workspace }: { end: number; workspace: number }): boolean {
    const words = this.#words, phase = Atomics.load(words, CONTROL.phase), timed = words[CONTROL.timed];
    if (Atomics.add(words, CONTROL.arrived, 1) === this.#threads - 1) {
      Atomics.store(words, CONTROL.arrived, 0);
      Atomics.store(this.#launches, launch + LAUNCH.next, 0);
      if (timed) this.#time(launch);
      for (let single = launch + LAUNCH.words; single < end; single += LAUNCH.words) {
        this.#compute(single, { block: 0, workspace });
        if (timed) this.#time(single);
      }
      Atomics.add(words, CONTROL.phase, 1);
      Atomics.notify(words, CONTROL.phase);
      return Atomics.load(words, CONTROL.stop) === 0;
    }
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, CONTROL.phase) !== phase) return Atomics.load(words, CONTROL.stop) === 0;
    }
    // A failed thread sets `stop` before it changes `phase`, so a thread that still sees the old phase is woken.
    while (Atomics.load(words, CONTROL.phase) === phase && Atomics.load(words, CONTROL.stop) === 0) {
      Atomics.wait(words, CONTROL.phase, phase);
    }
    return Atomics.load(words, CONTROL.stop) === 0;
  }

  /** Adds the time since the launch before to the record of this launch. */
  #time(launch: number): void {
    const now = performance.timeOrigin + performance.now(), times = this.#times;
    const clock = (this.#data.control + CLOCK) / 8, sum = (launch + LAUNCH.time) / 2;
    times[sum] = at(times, sum) + now - at(times, clock);
    times[clock] = now;
  }
}
