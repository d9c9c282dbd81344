/**
 * One thread of the CPU executor. It sleeps until a run starts, walks the whole list of launches beside the other threads,
 * takes blocks of each from a common counter, and waits for the others after each launch. Nothing is imported from the
 * program, so that this file can be started alone.
 */
import { parentPort, workerData } from "node:worker_threads";

/** Words of the control block, shared with threads.ts. */
export const CONTROL = {
  /** Counts runs; the sleeping threads wait for it to change. */
  run: 0,
  /** Counts launches that all threads have finished; the barrier waits for it to change. */
  phase: 1,
  /** Threads that have arrived at the barrier. */
  arrived: 2,
  /** 1 once a thread has failed or the threads shall end. */
  stop: 3,
  /** Byte address of the first launch to walk, and how many. */
  launches: 4,
  count: 5,
  /** Byte address of the threads' own memory, and bytes for each. */
  workspace: 6,
  workspaceBytes: 7,
  /** 1: add the time of each launch to its record. */
  timed: 8,
} as const;

/** Byte in the control block of a f64: when the launch before this one was finished, in milliseconds. */
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

/** What a thread tells the main thread: it is ready, the run is over, or a kernel failed. */
export type ThreadMessage = { ready: true } | { done: number } | { failed: string };

type KernelFunction = (args: number, block: number, workspace: number) => void;

/** Polls of the barrier before a thread goes to sleep: some ten microseconds, about what waking up costs. */
const SPINS = 4000;

function work({ memory, module, control, thread, threads }: ThreadData): void {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const names = Object.keys(instance.exports).filter((name) => typeof instance.exports[name] === "function").sort();
  const kernels = names.map((name) => instance.exports[name] as unknown as KernelFunction);
  const words = new Int32Array(memory.buffer, control, 16);
  const post = (message: ThreadMessage) => parentPort!.postMessage(message);
  let launches = new Int32Array(memory.buffer), times = new Float64Array(memory.buffer), started = 0;

  /** True when all threads are here; false when one of them failed. The last to come clears the counter of the launch. */
  function barrier(launch: number): boolean {
    const phase = Atomics.load(words, CONTROL.phase);
    if (Atomics.add(words, CONTROL.arrived, 1) === threads - 1) {
      Atomics.store(words, CONTROL.arrived, 0);
      Atomics.store(launches, launch + LAUNCH.next, 0);
      if (words[CONTROL.timed]) {
        const now = performance.timeOrigin + performance.now(), clock = (control + CLOCK) / 8;
        times[(launch + LAUNCH.time) / 2]! += now - times[clock]!;
        times[clock] = now;
      }
      Atomics.add(words, CONTROL.phase, 1);
      Atomics.notify(words, CONTROL.phase);
      return Atomics.load(words, CONTROL.stop) === 0;
    }
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, CONTROL.phase) !== phase) return Atomics.load(words, CONTROL.stop) === 0;
    }
    // A failed thread sets `stop` before it moves `phase`, so whoever still sees the old phase is woken.
    while (Atomics.load(words, CONTROL.phase) === phase && Atomics.load(words, CONTROL.stop) === 0) {
      Atomics.wait(words, CONTROL.phase, phase);
    }
    return Atomics.load(words, CONTROL.stop) === 0;
  }

  /** False when a thread failed. */
  function walk(): boolean {
    const first = words[CONTROL.launches]! >>> 2, count = words[CONTROL.count]!;
    const workspace = (words[CONTROL.workspace]! >>> 0) + thread * words[CONTROL.workspaceBytes]!;
    for (let i = 0; i < count; i++) {
      const launch = first + i * LAUNCH.words;
      const kernel = kernels[launches[launch + LAUNCH.kernel]!]!, args = launches[launch + LAUNCH.args]!;
      const blocks = launches[launch + LAUNCH.blocks]!;
      for (;;) {
        const block = Atomics.add(launches, launch + LAUNCH.next, 1);
        if (block >= blocks) break;
        kernel(args, block, workspace);
      }
      if (!barrier(launch)) return false;
    }
    return true;
  }

  post({ ready: true });
  for (;;) {
    Atomics.wait(words, CONTROL.run, started);
    if (Atomics.load(words, CONTROL.stop) !== 0) return;
    if (Atomics.load(words, CONTROL.run) === started) continue;
    started = Atomics.load(words, CONTROL.run);
    if (launches.buffer !== memory.buffer) {
      launches = new Int32Array(memory.buffer);
      times = new Float64Array(memory.buffer);
    }
    try {
      const finished = walk();
      if (finished && thread === 0) post({ done: started });
    } catch (problem) {
      Atomics.store(words, CONTROL.stop, 1);
      Atomics.add(words, CONTROL.phase, 1);
      Atomics.notify(words, CONTROL.phase);
      post({ failed: String(problem) });
    }
  }
}

if (parentPort) work(workerData as ThreadData);
