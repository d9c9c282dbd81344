/** A plan that is ready to run on WebGPU: buffers, pipelines and bind groups exist, and a run only encodes the dispatches. */
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
import { type Launch, type PlannedLaunch, runBlockOf } from "./launch.ts";
import { profiled } from "./profile.ts";
import { gathered, readBuffer, requireContiguous } from "./transfer.ts";
import { at } from "../lists.ts";

const SLOT_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const UNIFORM_USAGE = 0x40 | 0x08; // UNIFORM | COPY_DST
/** Number of runs whose metrics fit into the ring buffer. When it is full, the next run reads it first. */
const RING_RUNS = 64;
/** The end of a run is noticed after an eighth of its time at the latest. Meanwhile the next run keeps the device busy. */
const POLLS_PER_RUN = 8;
/** Work of one submit. Drivers reset a device whose submit takes seconds; 10^12 flops take far less on any GPU. */
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

/** A compiled kernel and the layout of its bindings. The layout is kept because each call of `getBindGroupLayout` makes a new one. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** The part of its executor that a program uses. */
export interface WebgpuHost {
  readonly gpu: Gpu;
  /** Fill activations with NaN before each run. */
  readonly poison: boolean;
  /** The buffer of an arena. It is created at the first call. */
  buffer(arena: Arena): GPUBuffer;
}

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
  /** Milliseconds that the newest run waited for the one before it. */
  #lastWait = 0;

  constructor(
    host: WebgpuHost,
    { plan, launches, pipelines }: { plan: Plan; launches: readonly PlannedLaunch[]; pipelines: readonly Pipeline[] },
  ) {
    const device = host.gpu.device;
    this.#host = host;
    this.#plan = plan;
    this.launches = launches;
    this.#slots = slotsOf(plan, launches.map(storagesOf));
    this.memory = memoryOf(plan, this.#slots);
    requireLimits(plan, { slotBytes: this.#slots.slotBytes, limits: device.limits });
    this.#buffers = this.#slots.slotBytes.map((size, i) =>
      device.createBuffer({ label: `${plan.name} slot ${i}`, size, usage: SLOT_USAGE })
    );
    this.#blocks = runBlocks(device, { plan, launches });
    this.#dispatches = launches.map((launch, i) =>
      this.#dispatch(launch, { pipeline: at(pipelines, i), block: this.#blocks.places[i] })
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
      const launch = at(this.launches, i);
      if (launch.step !== step) flops += at(this.#plan.steps, launch.step).flops;
      step = launch.step;
      encode(pass, dispatch);
      if (flops > FLOPS_PER_SUBMIT) {
        pass.end();
        device.queue.submit([encoder.finish()]);
        encoder = device.createCommandEncoder();
        flops = 0;
        pass = encoder.beginComputePass();
      }
    }
    pass.end();
    this.#copyMetrics(encoder);
    device.queue.submit([encoder.finish()]);
    // Two runs are queued. A third would not help; with one, the device would be idle while the next run is encoded.
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

  /** Encodes one pass per launch. The device measures the times if it can. */
  profile(): Promise<Profile> {
    const dispatches = this.#dispatches;
    return profiled(this.#host.gpu, this.launches, (pass, i) => encode(pass, at(dispatches, i)));
  }

  async findNonFinite(): Promise<NonFinite | undefined> {
    const { device } = this.#host.gpu;
    this.#poison();
    for (let i = 0, first = 0; i < this.#dispatches.length; i++) {
      const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
      encode(pass, at(this.#dispatches, i));
      pass.end();
      device.queue.submit([encoder.finish()]);
      const { step } = at(this.launches, i);
      if (this.launches[i + 1]?.step === step) continue;
      const { op, writes } = at(this.#plan.steps, step);
      const dispatches = { first: first + 1, last: i + 1, of: this.#dispatches.length };
      for (const tensor of Object.values(writes)) {
        const values = await this.read(tensor), index = values.findIndex((value) => !Number.isFinite(value));
        if (index >= 0) return { step, op: op.name, dispatches, tensor: tensor.name, index, value: at(values, index) };
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
    return { buffer: at(this.#buffers, slot), base: 0 };
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

/** The uniform blocks of all launches of a plan, in one buffer. */
interface RunBlocks {
  readonly buffer: GPUBuffer | undefined;
  /** The block of each launch; undefined for kernels without one. */
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
      device.queue.writeBuffer(buffer, at(starts, i), block);
      return { buffer, offset: at(starts, i), size: block.byteLength };
    }),
  };
}

/** The storages that a launch reads and writes. */
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
