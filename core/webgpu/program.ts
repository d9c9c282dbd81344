/** A plan made ready on WebGPU: buffers, pipelines and bind groups exist; a run only encodes the list again. */
import { patiently } from "../device/polling.ts";
import { HymbaError } from "../errors.ts";
import {
  type Data,
  type HostTimes,
  keptStorages,
  type Memory,
  memoryOf,
  type NonFinite,
  type Plan,
  type Profile,
  type Program,
  type SlotPlan,
  slotsOf,
} from "../plan/mod.ts";
import { type Arena, ELEMENT_BYTES, type Storage, type Tensor } from "../tensor/mod.ts";
import type { Gpu } from "./gpu.ts";
import { type Launch, runBlockOf } from "./launch.ts";
import { profiled } from "./profile.ts";
import { gathered, readBuffer, requireContiguous } from "./transfer.ts";

const SLOT_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const UNIFORM_USAGE = 0x40 | 0x08; // UNIFORM | COPY_DST
/** Runs whose metrics the ring holds before it is drained by itself. */
const RING_RUNS = 64;
/** An eighth of a run may pass before its end is noticed: the next one is queued, and keeps the device busy for longer than that. */
const POLLS_PER_RUN = 8;
/** Work between two submits: drivers reset a device whose submit takes seconds, and 10^12 flops stay far below that on any GPU. */
const FLOPS_PER_SUBMIT = 1e12;

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number, number];
}

function encode(pass: GPUComputePassEncoder, { pipeline, group, grid }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...grid);
}

/** A compiled kernel and the layout of its bindings, asked for once: each answer is a new object. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** What a program needs of the executor that prepared it. */
export interface WebgpuHost {
  readonly gpu: Gpu;
  /** Fill activations with NaN before each run. */
  readonly poison: boolean;
  /** The buffer of an arena, which is made at first use. */
  buffer(arena: Arena): GPUBuffer;
}

type PlannedLaunch = Launch & { readonly step: number };

export class WebgpuProgram implements Program {
  readonly memory: Memory;
  readonly launches: readonly PlannedLaunch[];
  readonly #host: WebgpuHost;
  readonly #plan: Plan;
  readonly #slots: SlotPlan;
  readonly #buffers: GPUBuffer[];
  readonly #blocks: RunBlocks;
  readonly #dispatches: Dispatch[];
  readonly #ring: GPUBuffer | undefined;
  readonly #ringBytes: number;
  #ringRuns = 0;
  #drained: Float32Array[] = [];
  readonly #times = { runs: 0, encode: 0, wait: 0 };
  #previous: Promise<void> = Promise.resolve();
  /** Of the newest run for the one before it (ms). */
  #lastWait = 0;

  constructor(
    host: WebgpuHost,
    { plan, launches, pipelines }: { plan: Plan; launches: readonly PlannedLaunch[]; pipelines: readonly Pipeline[] },
  ) {
    const device = host.gpu.device;
    [this.#host, this.#plan, this.launches] = [host, plan, launches];
    this.#slots = slotsOf(plan, launches.map(storagesOf));
    this.memory = memoryOf(plan, this.#slots);
    requireLimits(plan, { slotBytes: this.#slots.slotBytes, limits: device.limits });
    this.#buffers = this.#slots.slotBytes.map((size, i) =>
      device.createBuffer({ label: `${plan.name} slot ${i}`, size, usage: SLOT_USAGE })
    );
    this.#blocks = runBlocks(device, { plan, launches });
    this.#dispatches = launches.map((launch, i) =>
      this.#dispatch(launch, { pipeline: pipelines[i]!, block: this.#blocks.places[i]! })
    );
    this.#ringBytes = plan.metrics.reduce((sum, { rows, columns }) => sum + rows * columns * ELEMENT_BYTES, 0);
    if (this.#ringBytes > 0) {
      this.#ring = device.createBuffer({
        label: `${plan.name} metrics`,
        size: this.#ringBytes * RING_RUNS,
        usage: SLOT_USAGE,
      });
    }
    for (const { tensor, data } of plan.constants) if (this.#slots.slotOf.has(tensor.storage)) this.write(tensor, data);
  }

  write(input: Tensor, data: Data): void {
    requireContiguous(input, data);
    if (!input.storage.pinned && !this.#slots.slotOf.has(input.storage)) return; // an input that no step reads
    const { buffer, base } = this.#placeOf(input.storage);
    this.#host.gpu.device.queue.writeBuffer(
      buffer,
      base + input.offset * ELEMENT_BYTES,
      data as Float32Array<ArrayBuffer>,
    );
  }

  async run(): Promise<void> {
    const { device, failure } = this.#host.gpu;
    if (this.#ring && this.#ringRuns === RING_RUNS) this.#drained.push(...await this.#readRing());
    if (this.#host.poison) this.#poison();
    const start = performance.now();
    let encoder = device.createCommandEncoder(), pass = encoder.beginComputePass(), flops = 0, step = -1;
    for (const [i, dispatch] of this.#dispatches.entries()) {
      const launch = this.launches[i]!;
      if (launch.step !== step) flops += this.#plan.steps[step = launch.step]!.flops;
      encode(pass, dispatch);
      if (flops > FLOPS_PER_SUBMIT) {
        pass.end();
        device.queue.submit([encoder.finish()]);
        [encoder, flops] = [device.createCommandEncoder(), 0];
        pass = encoder.beginComputePass();
      }
    }
    pass.end();
    this.#copyMetrics(encoder);
    device.queue.submit([encoder.finish()]);
    // Two runs in flight: more does not help, and fewer leaves the device idle while the next list is encoded.
    const before = this.#previous, submitted = performance.now();
    this.#previous = device.queue.onSubmittedWorkDone().then(() => undefined);
    await patiently(before, this.#lastWait / POLLS_PER_RUN);
    this.#lastWait = performance.now() - submitted;
    this.#times.runs++;
    this.#times.encode += (submitted - start) / 1000;
    this.#times.wait += this.#lastWait / 1000;
    const problem = failure();
    if (problem) throw problem;
  }

  async read(tensor: Tensor): Promise<Data> {
    const { buffer, base } = this.#placeOf(tensor.storage);
    return gathered(tensor, await readBuffer(this.#host.gpu, buffer, { tensor, base: base / ELEMENT_BYTES }));
  }

  async drainMetrics(): Promise<Float32Array[]> {
    const start = performance.now(), all = [...this.#drained, ...await this.#readRing()];
    this.#times.wait += (performance.now() - start) / 1000;
    this.#drained = [];
    return all;
  }

  get hostTimes(): HostTimes {
    return { ...this.#times };
  }

  /** One pass a launch, timed by the device where it can. */
  profile(): Promise<Profile> {
    const dispatches = this.#dispatches;
    return profiled(this.#host.gpu, this.launches, (pass, i) => encode(pass, dispatches[i]!));
  }

  async findNonFinite(): Promise<NonFinite | undefined> {
    const { device } = this.#host.gpu;
    this.#poison();
    for (let i = 0, first = 0; i < this.#dispatches.length; i++) {
      const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
      encode(pass, this.#dispatches[i]!);
      pass.end();
      device.queue.submit([encoder.finish()]);
      const { step } = this.launches[i]!;
      if (this.launches[i + 1]?.step === step) continue;
      const { op, writes } = this.#plan.steps[step]!;
      const dispatches = { first: first + 1, last: i + 1, of: this.#dispatches.length };
      for (const tensor of Object.values(writes)) {
        const values = await this.read(tensor), index = values.findIndex((value) => !Number.isFinite(value));
        if (index >= 0) return { step, op: op.name, dispatches, tensor: tensor.name, index, value: values[index]! };
      }
      first = i + 1;
    }
    return undefined;
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#blocks.buffer?.destroy();
    this.#ring?.destroy();
  }

  #placeOf(storage: Storage): { buffer: GPUBuffer; base: number } {
    if (storage.pinned) {
      return { buffer: this.#host.buffer(storage.pinned.arena), base: storage.pinned.offset * ELEMENT_BYTES };
    }
    const slot = this.#slots.slotOf.get(storage);
    if (slot === undefined) throw new HymbaError(`${storage.name} is not part of the plan ${this.#plan.name}`);
    return { buffer: this.#buffers[slot]!, base: 0 };
  }

  #dispatch(
    { reads, writes, grid, kernel }: Launch,
    { pipeline: { pipeline, layout }, block }: { pipeline: Pipeline; block: GPUBufferBinding | undefined },
  ): Dispatch {
    const entries: GPUBindGroupEntry[] = [...reads, ...writes].map(({ storage }, binding) => {
      const { buffer, base } = this.#placeOf(storage);
      return { binding, resource: { buffer, offset: base, size: storage.elements * ELEMENT_BYTES } };
    });
    if (block) entries.push({ binding: entries.length, resource: block });
    const group = this.#host.gpu.device.createBindGroup({ label: kernel.name, layout, entries });
    return { pipeline, group, grid };
  }

  #copyMetrics(encoder: GPUCommandEncoder): void {
    if (!this.#ring) return;
    let at = this.#ringRuns++ * this.#ringBytes;
    for (const { storage, offset, rows, columns } of this.#plan.metrics) {
      const { buffer, base } = this.#placeOf(storage), size = rows * columns * ELEMENT_BYTES;
      encoder.copyBufferToBuffer(buffer, base + offset * ELEMENT_BYTES, this.#ring, at, size);
      at += size;
    }
  }

  async #readRing(): Promise<Float32Array[]> {
    const runs = this.#ringRuns, columns = this.#ringBytes / ELEMENT_BYTES;
    if (!this.#ring || runs === 0) return [];
    this.#ringRuns = 0;
    const shape = { name: "metrics", rows: runs, columns, rowStride: columns, offset: 0 };
    const raw = await readBuffer(this.#host.gpu, this.#ring, { tensor: shape as Tensor });
    return Array.from({ length: runs }, (_, run) => new Float32Array(raw, run * this.#ringBytes, columns));
  }

  /** Fills every slot that holds no input and no constant with NaN. */
  #poison(): void {
    const kept = new Set(keptStorages(this.#plan).map((storage) => this.#slots.slotOf.get(storage)));
    for (const [slot, buffer] of this.#buffers.entries()) {
      if (!kept.has(slot)) {
        this.#host.gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / ELEMENT_BYTES).fill(NaN));
      }
    }
  }
}

/** The uniform blocks of a plan's launches, side by side in one buffer. */
interface RunBlocks {
  readonly buffer: GPUBuffer | undefined;
  /** Where the block of each launch is; none for a kernel without one. */
  readonly places: readonly (GPUBufferBinding | undefined)[];
}

function runBlocks(device: GPUDevice, { plan, launches }: { plan: Plan; launches: readonly Launch[] }): RunBlocks {
  const apart = device.limits.minUniformBufferOffsetAlignment, blocks = launches.map(runBlockOf);
  const starts: number[] = [];
  let size = 0;
  for (const { byteLength } of blocks) {
    starts.push(size);
    size += Math.ceil(byteLength / apart) * apart;
  }
  if (size === 0) return { buffer: undefined, places: blocks.map(() => undefined) };
  const buffer = device.createBuffer({ label: `${plan.name} run blocks`, size, usage: UNIFORM_USAGE });
  return {
    buffer,
    places: blocks.map((block, i) => {
      if (block.length === 0) return undefined;
      device.queue.writeBuffer(buffer, starts[i]!, block);
      return { buffer, offset: starts[i]!, size: block.byteLength };
    }),
  };
}

/** What a launch reads and writes. */
export const storagesOf = ({ reads, writes }: Launch): Storage[] => [...reads, ...writes].map(({ storage }) => storage);

function requireLimits(
  plan: Plan,
  { slotBytes, limits }: { slotBytes: readonly number[]; limits: GPUSupportedLimits },
): void {
  const most = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize), largest = Math.max(0, ...slotBytes);
  if (largest <= most) return;
  throw new HymbaError(`plan ${plan.name}: one tensor is larger than this adapter can bind`, {
    expected: `at most ${most} bytes`,
    got: `${largest} bytes`,
    hint: "a smaller batch or sequence length (--preset quick), or another adapter (--adapter)",
  });
}
