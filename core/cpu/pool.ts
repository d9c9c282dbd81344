/** The interface of the threads that run the launches of the CPU executor, and the control block that they share. */
import { CLOCK, CONTROL } from "./kernel_thread.ts";
import type { SharedHeap } from "./shared_memory.ts";

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
  /** The calling thread does it all: for runs that are shorter than waking others and waiting for them. The bits are the same. */
  readonly here?: boolean;
}

export interface Pool {
  /** Number of threads. */
  readonly count: number;
  /** Computes a list of launches. Only one run at a time is possible. */
  run(run: Run): Promise<void>;
  /** Ends all threads. A run in progress ends with an error. */
  close(): Promise<void>;
}

/** The control block of a pool in the shared memory: zeros. */
export function newControl(heap: SharedHeap): number {
  const control = heap.allocate(CONTROL_BYTES, "threads");
  wordsAt(heap, control).fill(0);
  return control;
}

export const wordsAt = (heap: SharedHeap, control: number): Int32Array<SharedArrayBuffer> =>
  heap.words(control, CONTROL_BYTES / 4);

/** Writes a run to the control block. */
export function describeRun(
  heap: SharedHeap,
  control: number,
  { launches, count, workspace, workspaceBytes, timed }: Run,
): void {
  const words = wordsAt(heap, control);
  words[CONTROL.launches] = launches;
  words[CONTROL.count] = count;
  words[CONTROL.workspace] = workspace;
  words[CONTROL.workspaceBytes] = workspaceBytes;
  words[CONTROL.timed] = timed ? 1 : 0;
  if (timed) new Float64Array(words.buffer, control + CLOCK, 1)[0] = performance.timeOrigin + performance.now();
}
