/**
 * This folder: the WebAssembly executor, with kernels in AssemblyScript, threads, and one shared memory.
 * Runs plans on the processor: WebAssembly SIMD kernels on threads that share one memory.
 */
import { UsageError } from "../errors.ts";
import { cores } from "../system/host.ts";
import {
  arenasOf,
  type Data,
  type Executor,
  type Memory,
  memoryOf,
  type Plan,
  type RoomNeed,
  slotsOf,
} from "../plan/mod.ts";
import { type Arena, ELEMENT_BYTES, pinOf, type Tensor } from "../tensor/mod.ts";
import { type Launch, newContext } from "./launch.ts";
import { blockBytes, type Container, SharedHeap } from "./shared_memory.ts";
import { bestBuild, type Build, type Kernels, loadKernels } from "./module.ts";
import { entryFor } from "../ops/registry.ts";
import { LOWERINGS } from "./ops/mod.ts";
import { CallingThread, canShareMemory } from "./calling_thread.ts";
import type { Pool } from "./pool.ts";
import { type CpuHost, CpuProgram, extraBytes, type PlannedLaunch, storagesOf } from "./program.ts";
import { ThreadPool } from "./threads.ts";

export interface CpuOptions {
  /** Number of threads, by default one per core. The bits of a result do not depend on it. */
  threads?: number;
  /** Fills activations with NaN before each run, so that a test sees what a kernel failed to write. */
  poison?: boolean;
  /** Measures the time of every launch (`CpuProgram.times`). */
  timed?: boolean;
  /** The build of the kernels, by default the best that the engine accepts. Builds differ in the last bits. */
  build?: Build;
  /** The container whose memory limit holds. Without one, tensors may take 4 GiB, the largest WebAssembly memory. */
  container?: Container;
}

export class CpuExecutor implements Executor, CpuHost {
  readonly name = "cpu";
  readonly heap: SharedHeap;
  readonly kernels: Kernels;
  readonly pool: Pool;
  readonly poison: boolean;
  readonly timed: boolean;
  /** The build of the kernels. The last bits of a result depend on it. */
  readonly build: Build;
  readonly #arenas = new Map<Arena, number>();

  /** Starts the threads. Throws when the memory cannot be shared or a thread does not start. */
  static async create(options: CpuOptions = {}): Promise<CpuExecutor> {
    const threads = options.threads ?? cores();
    if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
      throw new UsageError("wrong number of threads", {
        expected: `1 to ${MOST_THREADS}`,
        got: String(threads),
        hint: "set --threads N, or omit it to use all cores",
      });
    }
    const build = options.build ?? bestBuild();
    const kernels = await loadKernels(build), heap = new SharedHeap(options.container);
    const { module } = kernels;
    const pool = canShareMemory()
      ? await ThreadPool.start(heap, { module, threads })
      : new CallingThread(heap, { module });
    return new CpuExecutor({ heap, kernels, pool, options, build });
  }

  private constructor(
    { heap, kernels, pool, options, build }: {
      heap: SharedHeap;
      kernels: Kernels;
      pool: Pool;
      options: CpuOptions;
      build: Build;
    },
  ) {
    this.heap = heap;
    this.kernels = kernels;
    this.pool = pool;
    this.build = build;
    this.poison = options.poison ?? false;
    this.timed = options.timed ?? false;
  }

  get threads(): number {
    return this.pool.count;
  }

  prepare(plan: Plan): Promise<CpuProgram> {
    return Promise.resolve().then(() => this.#prepare(plan));
  }

  #prepare(plan: Plan): CpuProgram {
    const launches = this.lower(plan), missing = this.#missing([plan]);
    this.heap.require(missing.map(({ elements }) => elements * ELEMENT_BYTES), `plan ${plan.name}`);
    for (const arena of missing) this.addressOf(arena);
    return new CpuProgram(this, { plan, launches });
  }

  requireRoom(needs: Iterable<RoomNeed>): void {
    let most: { readonly sizes: readonly number[]; readonly who: string } = { sizes: [], who: "" };
    for (const { plans, who } of needs) {
      const sizes = this.#blocksOf(plans);
      if (blockBytes(sizes) > blockBytes(most.sizes)) most = { sizes, who };
    }
    this.heap.require(most.sizes, most.who);
  }

  /** The sizes of all blocks of memory that plans still need (bytes). */
  #blocksOf(plans: readonly Plan[]): number[] {
    const sizes = this.#missing(plans).map(({ elements }) => elements * ELEMENT_BYTES);
    for (const plan of plans) {
      const launches = this.lower(plan), { records, workspace } = extraBytes(launches);
      sizes.push(...slotsOf(plan, launches.map(storagesOf)).slotBytes, records, workspace * this.threads);
    }
    return sizes;
  }

  /** The arenas of plans that have no memory yet. */
  #missing(plans: readonly Plan[]): Arena[] {
    const all = new Set(plans.flatMap((plan) => [...arenasOf(plan)]));
    return [...all].filter((arena) => !this.#arenas.has(arena));
  }

  memoryOf(plan: Plan): Memory {
    return memoryOf(plan, slotsOf(plan, this.lower(plan).map(storagesOf)));
  }

  /** The launches of a plan, in order, each with the index of its step. */
  lower(plan: Plan): PlannedLaunch[] {
    const context = newContext();
    return plan.steps.flatMap((step, index) => {
      return entryFor(LOWERINGS, step)(step, context).map((launch) => ({ ...launch, step: index }));
    });
  }

  /** A program of launches without steps. Benchmarks and tests measure kernels with it. */
  prepareLaunches(
    launches: readonly Launch[],
    { inputs, outputs }: { inputs: Tensor[]; outputs: Tensor[] },
  ): CpuProgram {
    const plan: Plan = { name: "launches", steps: [], forwardSteps: 0, inputs, constants: [], outputs, metrics: [] };
    return new CpuProgram(this, { plan, launches: launches.map((launch) => ({ ...launch, step: 0 })) });
  }

  write(tensor: Tensor, data: Data): void {
    this.heap.write(tensor, this.#baseOf(tensor), data);
  }

  read(tensor: Tensor): Promise<Data> {
    return Promise.resolve(this.heap.read(tensor, this.#baseOf(tensor)));
  }

  release(arena: Arena): void {
    const address = this.#arenas.get(arena);
    if (address !== undefined) this.heap.free(address);
    this.#arenas.delete(arena);
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /** The address of an arena. The first call allocates it and fills it with zeros. */
  addressOf(arena: Arena): number {
    let found = this.#arenas.get(arena);
    if (found === undefined) {
      found = this.heap.allocate(arena.elements * ELEMENT_BYTES, arena.name);
      this.heap.floats(found, arena.elements).fill(0);
      this.#arenas.set(arena, found);
    }
    return found;
  }

  #baseOf({ storage }: Tensor): number {
    const { arena, offset } = pinOf(storage);
    return this.addressOf(arena) + offset * ELEMENT_BYTES;
  }
}

/** No plan has enough blocks for more threads. */
const MOST_THREADS = 256;
