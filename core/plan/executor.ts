/** The seam between a plan and what carries it out: WebGPU, WebAssembly, or the float64 reference. */
import type { Arena, Storage, Tensor } from "../tensor/mod.ts";
import type { Plan } from "./plan.ts";

/** Numbers as they are written and read. */
export type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Memory {
  /** Bytes of activations and scratch: the slots that were allocated. */
  readonly slotBytes: number;
  /** The most bytes of those alive at one time. */
  readonly peakBytes: number;
  /** Bytes of all arenas that the plan touches. */
  readonly arenaBytes: number;
}

/** Where a replay first met a number that is not finite. */
export interface NonFinite {
  readonly step: number;
  readonly op: string;
  /** The step's dispatches among all of the plan: number of the first and of the last, counted from 1, and how many there are. */
  readonly dispatches: { readonly first: number; readonly last: number; readonly of: number };
  readonly tensor: string;
  readonly index: number;
  readonly value: number;
}

/** One launch of a kernel in a profiled run; seconds since the first one began. */
export interface Span {
  readonly kernel: string;
  /** Index of the plan's step. */
  readonly step: number;
  readonly start: number;
  readonly end: number;
}

export interface Profile {
  /** Whose clock took the times: the device's (queries), or the host's, which sees what a launch costs besides. */
  readonly clock: "device" | "host";
  readonly spans: readonly Span[];
}

/** Where the host's time went, in seconds, over all runs so far. */
export interface HostTimes {
  readonly runs: number;
  /** Putting lists of dispatches together and handing them over. */
  readonly encode: number;
  /** Doing nothing until the device has caught up. */
  readonly wait: number;
}

/** Where a replay met it, for people. */
export function inWords({ op, step, dispatches: { first, last, of }, tensor, index, value }: NonFinite): string {
  const dispatches = first === last ? `dispatch ${last}` : `dispatches ${first} to ${last}`;
  return `${tensor}[${index}] = ${value}, first written by ${op} (step ${step} of the plan, ${dispatches} of ${of})`;
}

/** A plan made ready: memory, kernels and bindings exist, and a run allocates nothing. */
export interface Program {
  readonly memory: Memory;
  /** Sets an input for the next run. */
  write(input: Tensor, data: Data): void;
  /** Replays the plan once. Resolves when another run may be queued, which may be before this one has finished. */
  run(): Promise<void>;
  /** The elements of an output (or input) after the last run, row by row. */
  read(tensor: Tensor): Promise<Data>;
  /** The metrics of every run since the last call, one array a run: all metric tensors one after the other. */
  drainMetrics(): Promise<Float32Array[]>;
  /** Replays the plan once and tells when each launch began and ended; executors that cannot tell have no such method. */
  profile?(): Promise<Profile>;
  /** Executors whose host only hands work over tell what that takes. */
  readonly hostTimes?: HostTimes;
  /** Replays step by step and names the first non-finite number that a step writes. */
  findNonFinite(): Promise<NonFinite | undefined>;
  dispose(): void;
}

export interface Executor {
  readonly name: "webgpu" | "cpu" | "reference";
  prepare(plan: Plan): Promise<Program>;
  /** What `prepare` would allocate, without allocating it. */
  memoryOf(plan: Plan): Memory;
  /**
   * Throws, with numbers, when plans that exist at the same time do not fit beside what is there; allocates nothing. Executors that
   * learn it from a driver only have no such method.
   */
  requireRoom?(plans: readonly Plan[], who: string): void;
  /** Writes a pinned tensor; its arena is allocated, filled with zeros, at first use. */
  write(tensor: Tensor, data: Data): void;
  read(tensor: Tensor): Promise<Data>;
  /** Takes the tiles of products, by shape, that plans prepared from now on use; executors without a choice have no such method. */
  useTiles?(tiles: Readonly<Record<string, string>>): void;
  /** True where products that a plan marks with `f16` are made of operands in f16; see {@link withHalfProducts}. */
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
