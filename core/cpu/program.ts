/** A plan that is ready to run on the CPU: its memory is assigned, and its launches are encoded in shared memory. */
import { HymbaError } from "../errors.ts";
import {
  type Data,
  keptStorages,
  type Memory,
  memoryOf,
  type NonFinite,
  type Plan,
  type Profile,
  type Program,
  type SlotPlan,
  slotsOf,
  type Span,
} from "../plan/mod.ts";
import { type Arena, ELEMENT_BYTES, type Storage, type Tensor } from "../tensor/mod.ts";
import { type Argument, isTensor, type Launch } from "./launch.ts";
import type { SharedHeap } from "./shared_memory.ts";
import type { Kernels } from "./module.ts";
import { LAUNCH } from "./kernel_thread.ts";
import type { Pool } from "./pool.ts";
import { at } from "../lists.ts";

/** Bytes after the workspace of each thread. With `poison` they are checked, to find a kernel that writes too far. */
const GUARD_BYTES = 256;

/** The part of its executor that a program uses. */
export interface CpuHost {
  readonly heap: SharedHeap;
  readonly kernels: Kernels;
  readonly pool: Pool;
  readonly threads: number;
  /** Fill activations with NaN before each run, and check the guards after it. */
  readonly poison: boolean;
  /** Measure the time of every launch. */
  readonly timed: boolean;
  /** The address of an arena. The first call allocates it. */
  addressOf(arena: Arena): number;
}

export type PlannedLaunch = Launch & { readonly step: number };

export class CpuProgram implements Program {
  readonly memory: Memory;
  readonly launches: readonly PlannedLaunch[];
  readonly #host: CpuHost;
  readonly #plan: Plan;
  readonly #slots: SlotPlan;
  readonly #addresses: number[];
  readonly #records: number;
  readonly #workspace: number;
  readonly #workspaceBytes: number;
  #metrics: Float32Array[] = [];
  #disposed = false;
  readonly #here: boolean;

  constructor(host: CpuHost, { plan, launches }: { plan: Plan; launches: readonly PlannedLaunch[] }) {
    this.#host = host;
    this.#plan = plan;
    this.launches = launches;
    this.#slots = slotsOf(plan, launches.map(storagesOf));
    this.#here = areShort(plan, launches.length);
    this.memory = memoryOf(plan, this.#slots);

    const who = `plan ${plan.name}`, extra = extraBytes(launches);
    const recordBytes = extra.records, workspaceBytes = extra.workspace * host.threads;
    this.#workspaceBytes = extra.workspace;
    host.heap.require([...this.#slots.slotBytes, recordBytes, workspaceBytes], who);
    this.#addresses = this.#slots.slotBytes.map((bytes) => host.heap.allocate(bytes, who));
    this.#records = host.heap.allocate(recordBytes, who);
    this.#workspace = host.heap.allocate(workspaceBytes, who);
    this.#encode();
    for (const { tensor, data } of plan.constants) this.write(tensor, data);
  }

  write(input: Tensor, data: Data): void {
    if (!input.storage.pinned && !this.#slots.slotOf.has(input.storage)) return; // an input that no step reads
    this.#host.heap.write(input, this.#baseOf(input.storage), data);
  }

  async run(): Promise<void> {
    if (this.#host.poison) this.#poison();
    await this.#walk(0, this.launches.length);
    if (this.#host.poison) this.#checkGuards();
    if (this.#plan.metrics.length > 0) this.#metrics.push(this.#readMetrics());
  }

  read(tensor: Tensor): Promise<Data> {
    return Promise.resolve(this.#host.heap.read(tensor, this.#baseOf(tensor.storage)));
  }

  drainMetrics(): Promise<Float32Array[]> {
    const drained = this.#metrics;
    this.#metrics = [];
    return Promise.resolve(drained);
  }

  async findNonFinite(): Promise<NonFinite | undefined> {
    this.#poison();
    let next = 0;
    for (const [step, { op, writes }] of this.#plan.steps.entries()) {
      const first = next;
      while (this.launches[next]?.step === step) next++;
      await this.#walk(first, next - first);
      for (const tensor of Object.values(writes)) {
        const values = await this.read(tensor), index = values.findIndex((value) => !Number.isFinite(value));
        const dispatches = { first: first + 1, last: next, of: this.launches.length };
        if (index >= 0) return { step, op: op.name, dispatches, tensor: tensor.name, index, value: at(values, index) };
      }
    }
    return undefined;
  }

  /** Milliseconds of each launch, summed over all timed runs. */
  times(): number[] {
    const words = this.#host.heap.words(this.#records, this.launches.length * LAUNCH.words);
    const times = new Float64Array(words.buffer, words.byteOffset, words.length / 2);
    return this.launches.map((_, i) => at(times, (i * LAUNCH.words + LAUNCH.time) / 2));
  }

  /** Runs once and measures every launch. Launches follow each other, so each begins when the one before it ends. */
  async profile(): Promise<Profile> {
    const before = this.times();
    await this.#walk(0, this.launches.length, { timed: true });
    let end = 0;
    const spans = this.times().map((ms, i): Span => {
      const { kernel, step } = at(this.launches, i), start = end;
      end += (ms - at(before, i)) / 1000;
      return { kernel, step, start, end };
    });
    return { clock: "host", spans };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const address of [...this.#addresses, this.#records, this.#workspace]) this.#host.heap.free(address);
  }

  #walk(first: number, count: number, { timed = this.#host.timed } = {}): Promise<void> {
    if (this.#disposed) throw new HymbaError(`plan ${this.#plan.name}: its program was disposed`);
    return this.#host.pool.run({
      launches: this.#records + first * LAUNCH.words * ELEMENT_BYTES,
      count,
      workspace: this.#workspace,
      workspaceBytes: this.#workspaceBytes,
      timed,
      here: this.#here,
    });
  }

  #baseOf(storage: Storage): number {
    if (storage.pinned) {
      return this.#host.addressOf(storage.pinned.arena) + storage.pinned.offset * ELEMENT_BYTES;
    }
    const slot = this.#slots.slotOf.get(storage);
    if (slot === undefined) throw new HymbaError(`${storage.name} is not part of the plan ${this.#plan.name}`);
    return at(this.#addresses, slot);
  }

  #encode(): void {
    const { heap, kernels } = this.#host;
    let at = this.#records + this.launches.length * LAUNCH.words * ELEMENT_BYTES;
    for (const [i, { kernel, args, blocks }] of this.launches.entries()) {
      const index = kernels.indexOf.get(kernel);
      if (index === undefined) throw new HymbaError(`the CPU executor has no kernel ${kernel}`);
      const values = Object.values(args), words = heap.words(at, values.length);
      const floats = heap.floats(at, values.length);
      for (const [place, value] of values.entries()) {
        if (typeof value === "object" && "f32" in value) floats[place] = value.f32;
        else words[place] = this.#word(value);
      }
      const record = heap.words(this.#records + i * LAUNCH.words * ELEMENT_BYTES, LAUNCH.words);
      record.fill(0);
      record[LAUNCH.kernel] = index;
      record[LAUNCH.args] = at;
      record[LAUNCH.blocks] = blocks;
      at += values.length * ELEMENT_BYTES;
    }
  }

  #word(value: Argument): number {
    if (isTensor(value)) return this.#baseOf(value.storage) + value.offset * ELEMENT_BYTES;
    return typeof value === "number" ? value : 0;
  }

  #readMetrics(): Float32Array {
    const parts = this.#plan.metrics.map((metric) => this.#host.heap.read(metric, this.#baseOf(metric.storage)));
    return Float32Array.from(parts.flatMap((part) => [...part]));
  }

  /** The guard after the workspace of each thread. No kernel may write into it. */
  #guards(): Float32Array[] {
    return Array.from({ length: this.#host.threads }, (_, thread) => {
      const end = this.#workspace + (thread + 1) * this.#workspaceBytes;
      return this.#host.heap.floats(end - GUARD_BYTES, GUARD_BYTES / ELEMENT_BYTES);
    });
  }

  #checkGuards(): void {
    if (this.#guards().every((guard) => guard.every(Number.isNaN))) return;
    throw new HymbaError(`plan ${this.#plan.name}: a kernel wrote beyond the end of its workspace`);
  }

  /** Fills the guards, and every slot that holds no input and no constant, with NaN. */
  #poison(): void {
    for (const guard of this.#guards()) guard.fill(NaN);
    const kept = new Set(keptStorages(this.#plan).map((storage) => this.#slots.slotOf.get(storage)));
    for (const [slot, address] of this.#addresses.entries()) {
      if (kept.has(slot)) continue;
      this.#host.heap.floats(address, at(this.#slots.slotBytes, slot) / ELEMENT_BYTES).fill(NaN);
    }
  }
}

/** Bytes that a program needs besides its slots: for its launches with their arguments, and for the workspace of one thread. */
export function extraBytes(launches: readonly Launch[]): { records: number; workspace: number } {
  const argumentWords = launches.reduce((sum, { args }) => sum + Object.keys(args).length, 0);
  const most = launches.reduce((most, { workspace = 0 }) => Math.max(most, workspace), 0);
  return {
    records: (launches.length * LAUNCH.words + argumentWords) * ELEMENT_BYTES,
    workspace: Math.ceil(most * ELEMENT_BYTES / GUARD_BYTES + 1) * GUARD_BYTES,
  };
}

/** The storages that a launch reads and writes. */
export const storagesOf = ({ args }: Launch): Storage[] =>
  Object.values(args).filter(isTensor).map(({ storage }) => storage);

/** Mean flops of a launch below which threads lose more by waiting for each other than they gain. */
const SHORT_FLOPS = 250_000;

/** Whether the launches of a plan without a backward pass are so short, as those of a small model's next token. */
function areShort({ steps, forwardSteps }: Plan, launches: number): boolean {
  return steps.length > 0 && forwardSteps === steps.length &&
    steps.reduce((sum, { flops }) => sum + flops, 0) < SHORT_FLOPS * launches;
}
