/** The interface of an executor, which runs plans: WebGPU, WebAssembly, or the float64 reference. */
import type { Arena, Storage, Tensor } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** Numbers that the host writes or reads. */
export type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Memory {
  /** Bytes of activations and scratch: the slots that were allocated. */
  readonly slotBytes: number;
  /** The largest number of these bytes that is in use at one time. */
  readonly peakBytes: number;
  /** Bytes of all arenas that the plan touches. */
  readonly arenaBytes: number;
}

/** The first number of a replay that is not finite, and where it is. */
export interface NonFinite {
  readonly step: number;
  readonly op: string;
  /** Numbers of the step's first and last dispatch, counted from 1, and how many dispatches the plan has. */
  readonly dispatches: { readonly first: number; readonly last: number; readonly of: number };
  readonly tensor: string;
  readonly index: number;
  readonly value: number;
}

/** One launch of a kernel in a profiled run, in seconds since the first launch began. */
export interface Span {
  readonly kernel: string;
  /** Index of the plan's step. */
  readonly step: number;
  readonly start: number;
  readonly end: number;
}

export interface Profile {
  /** The clock of the device (timestamp queries), or that of the host, whose times include the cost of each launch. */
  readonly clock: "device" | "host";
  readonly spans: readonly Span[];
}

/** How the host spent its time, over all runs so far (seconds). */
export interface HostTimes {
  readonly runs: number;
  /** Encoding dispatches and submitting them. */
  readonly encode: number;
  /** Waiting for the device. */
  readonly wait: number;
}

/** A sentence about a number that is not finite. */
export function inWords({ op, step, dispatches: { first, last, of }, tensor, index, value }: NonFinite): string {
  const dispatches = first === last ? `dispatch ${last}` : `dispatches ${first} to ${last}`;
  return `${tensor}[${index}] = ${value}, first written by ${op} (step ${step} of the plan, ${dispatches} of ${of})`;
}

/** A plan that is ready to run: memory, kernels and bindings exist, and a run allocates nothing. */
export interface Program {
  readonly memory: Memory;
  /** Sets an input for the next run. */
  write(input: Tensor, data: Data): void;
  /** Replays the plan once. Resolves when another run may be queued, which may be before this one has finished. */
  run(): Promise<void>;
  /** The elements of an output (or input) after the last run, row by row. */
  read(tensor: Tensor): Promise<Data>;
  /** The metrics of every run since the last call: one array per run, with all metric tensors one after another. */
  drainMetrics(): Promise<Float32Array[]>;
  /** Replays the plan once and measures when each launch begins and ends. Absent in executors that cannot measure this. */
  profile?(): Promise<Profile>;
  /** Present in executors whose host only submits work. */
  readonly hostTimes?: HostTimes;
  /** Replays step by step and names the first non-finite number that a step writes. */
  findNonFinite(): Promise<NonFinite | undefined>;
  dispose(): void;
}

/** Plans that are in memory together. */
export interface RoomNeed {
  readonly plans: readonly Plan[];
  /** What needs them, for the error. */
  readonly who: string;
}

export interface Executor {
  readonly name: "webgpu" | "cpu" | "reference";
  prepare(plan: Plan): Promise<Program>;
  /** What `prepare` would allocate, without allocating it. */
  memoryOf(plan: Plan): Memory;
  /**
   * Throws a HymbaError with numbers if the largest of these needs does not fit into the free memory. Allocates nothing. Absent
   * in executors that cannot know this in advance.
   */
  requireRoom?(needs: Iterable<RoomNeed>): void;
  /** Writes a pinned tensor; its arena is allocated, filled with zeros, at first use. */
  write(tensor: Tensor, data: Data): void;
  read(tensor: Tensor): Promise<Data>;
  /** Sets the tiles of matrix products by shape, for plans that are prepared later. Absent in executors without a choice. */
  useTiles?(tiles: Readonly<Record<string, string>>): void;
  /** True if products that a plan marks with `f16` have operands in f16; see {@link withHalfProducts}. */
  readonly f16Products?: boolean;
  /** Frees an arena. */
  release(arena: Arena): void;
  close(): Promise<void>;
}

/** All storages that the steps of a plan touch. */
export function storagesOf(plan: Plan): Set<Storage> {
  const all = new Set<Storage>();
  for (const { reads, writes } of plan.steps) {
    for (const { storage } of [...Object.values(reads), ...Object.values(writes)]) all.add(storage);
  }
  return all;
}

/** All arenas of a plan. */
export function arenasOf(plan: Plan): Set<Arena> {
  return new Set([...storagesOf(plan)].flatMap(({ pinned }) => pinned ? [pinned.arena] : []));
}
