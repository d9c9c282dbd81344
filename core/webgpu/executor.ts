/** This folder: the WebGPU executor, which lowers steps to dispatches. Runs plans on a WebGPU device. */
import { HymbaError } from "../errors.ts";
import {
  arenasOf,
  type Data,
  type Executor,
  type Memory,
  memoryOf,
  type Plan,
  type Program,
  slotsOf,
} from "../plan/mod.ts";
import { type Arena, ELEMENT_BYTES, pinOf, type Tensor } from "../tensor/mod.ts";
import type { Gpu } from "./gpu.ts";
import {
  type Kernel,
  type Launch,
  type LowerContext,
  lowerContext,
  overridesOf,
  type PlannedLaunch,
} from "./launch.ts";
import { type AttributesNamed, entryFor } from "../ops/registry.ts";
import { LOWERINGS } from "./ops/mod.ts";
import { multipliesF16, shapeKey, type TileChoices, withCurrentNames } from "./tiles.ts";
import { asksForUnrolling, unrolled } from "./unroll.ts";
import { gathered, readBuffer, requireContiguous } from "./transfer.ts";
import { type Pipeline, storagesOf, type WebgpuHost, WebgpuProgram } from "./program.ts";

export interface WebgpuOptions {
  /** Fills activations with NaN before each run, so that a test sees what a kernel failed to write. */
  poison?: boolean;
}

const ARENA_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST

export class WebgpuExecutor implements Executor, WebgpuHost {
  readonly name = "webgpu";
  readonly gpu: Gpu;
  readonly poison: boolean;
  #tiles: TileChoices = {};
  readonly #arenas = new Map<Arena, GPUBuffer>();
  readonly #pipelines = new Map<string, Promise<Pipeline>>();

  constructor(gpu: Gpu, options: WebgpuOptions = {}) {
    this.gpu = gpu;
    this.poison = options.poison ?? false;
  }

  prepare(plan: Plan): Promise<Program> {
    return this.prepareLaunches(plan, this.lower(plan));
  }

  /** Like prepare, with launches chosen by the caller. */
  async prepareLaunches(plan: Plan, launches: readonly PlannedLaunch[]): Promise<Program> {
    const device = this.gpu.device;
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    for (const arena of arenasOf(plan)) this.buffer(arena);
    const made = await Promise.allSettled(launches.map((launch) => this.#pipeline(launch)));
    const failed = made.find((result) => result.status === "rejected");
    const pipelines = made.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    let program: WebgpuProgram | undefined, reason: unknown = failed?.reason;
    try {
      if (!failed) program = new WebgpuProgram(this, { plan, launches, pipelines });
    } catch (error) {
      reason = error;
    }
    const validation = await device.popErrorScope(), memory = await device.popErrorScope();
    if (program && (validation || memory)) {
      reason = refusal(plan, program, { validation, memory, limits: device.limits });
    }
    if (program && reason === undefined) return program;
    program?.dispose();
    throw reason;
  }

  memoryOf(plan: Plan): Memory {
    return memoryOf(plan, slotsOf(plan, this.lower(plan).map(storagesOf)));
  }

  /** The dispatches of a plan, in order, each with the index of its step. */
  lower(plan: Plan, context = this.context()): PlannedLaunch[] {
    return plan.steps.flatMap((step, index) => {
      return entryFor(LOWERINGS, step)(step, context).map((launch) => ({ ...launch, step: index }));
    });
  }

  /** The properties of this adapter that lowerings use. */
  context(): LowerContext {
    const { device, adapterClass, matrixUnit } = this.gpu;
    return lowerContext(adapterClass, {
      subgroupSize: subgroupSizeOf(device),
      f16Products: this.f16Products,
      matrixUnit,
      tiles: this.#tiles,
    });
  }

  get f16Products(): boolean {
    const { device, adapterClass, matrixUnit } = this.gpu;
    return matrixUnit !== undefined || (device.features.has("shader-f16") && multipliesF16(adapterClass));
  }

  /** Tuned or recorded tiles of matrix products, by shape. */
  get tiles(): TileChoices {
    return this.#tiles;
  }

  useTiles(tiles: TileChoices): void {
    this.#tiles = withCurrentNames(tiles);
  }

  /** The distinct shapes of the matrix products in a plan, including those inside other steps. */
  productsOf(plan: Plan): AttributesNamed<"matmul">[] {
    const found = new Map<string, AttributesNamed<"matmul">>();
    const tileOf = (attributes: AttributesNamed<"matmul">) => {
      found.set(shapeKey(attributes), attributes);
      return undefined;
    };
    this.lower(plan, { ...this.context(), tileOf });
    return [...found.values()];
  }

  /** Number of different pipelines that a plan needs. */
  pipelinesOf(plan: Plan): number {
    return new Set(this.lower(plan).map((launch) => pipelineKey(launch.kernel, overridesOf(launch)))).size;
  }

  write(tensor: Tensor, data: Data): void {
    requireContiguous(tensor, data);
    this.gpu.device.queue.writeBuffer(
      this.buffer(pinOf(tensor.storage).arena),
      this.start(tensor),
      data as Float32Array<ArrayBuffer>,
    );
  }

  async read(tensor: Tensor): Promise<Data> {
    const { arena, offset: base } = pinOf(tensor.storage);
    return gathered(tensor, await readBuffer(this.gpu, this.buffer(arena), { tensor, base }));
  }

  release(arena: Arena): void {
    this.#arenas.get(arena)?.destroy();
    this.#arenas.delete(arena);
  }

  close(): Promise<void> {
    for (const arena of [...this.#arenas.keys()]) this.release(arena);
    return Promise.resolve();
  }

  /** The buffer of an arena, made and zeroed at first use. */
  buffer(arena: Arena): GPUBuffer {
    let found = this.#arenas.get(arena);
    if (!found) {
      const size = arena.elements * ELEMENT_BYTES, most = this.gpu.device.limits.maxBufferSize;
      if (size > most) {
        throw new HymbaError(`${arena.name} does not fit into a buffer of this adapter`, {
          expected: `at most ${most} bytes`,
          got: `${size} bytes`,
          hint: "a smaller preset or model, or an adapter with more memory",
        });
      }
      this.#arenas.set(arena, found = this.gpu.device.createBuffer({ label: arena.name, size, usage: ARENA_USAGE }));
    }
    return found;
  }

  /** The first byte of a pinned tensor in its arena. */
  start(tensor: Tensor): number {
    return (pinOf(tensor.storage).offset + tensor.offset) * ELEMENT_BYTES;
  }

  #pipeline(launch: Launch): Promise<Pipeline> {
    const { kernel } = launch, constants = overridesOf(launch);
    const key = pipelineKey(kernel, constants);
    let found = this.#pipelines.get(key);
    if (!found) this.#pipelines.set(key, found = this.#compile(kernel, constants));
    return found;
  }

  async #compile(kernel: Kernel, constants: Readonly<Record<string, number>>): Promise<Pipeline> {
    const device = this.gpu.device;
    const unroll = this.gpu.keepsLoops || asksForUnrolling(kernel.code);
    const code = unroll ? unrolled(kernel.code, constants) : kernel.code;
    const module = device.createShaderModule({ label: kernel.name, code });
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: kernel.name,
        layout: "auto",
        compute: { module, entryPoint: "main", constants },
      });
      return { pipeline, layout: pipeline.getBindGroupLayout(0) };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const lines = messages.map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}`);
      throw new HymbaError(`kernel ${kernel.name} does not compile on this adapter`, {
        got: [...lines, cause instanceof Error ? cause.message : String(cause)].join("\n"),
        hint: "hymba doctor shows the adapter and its driver",
        cause,
      });
    }
  }
}

function subgroupSizeOf({ features, adapterInfo }: GPUDevice): number {
  const { subgroupMinSize, subgroupMaxSize } = adapterInfo;
  return features.has("subgroups") && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0;
}

function pipelineKey(kernel: Kernel, constants: Readonly<Record<string, number>>): string {
  return `${kernel.name} ${Object.entries(constants).sort().join(" ")}`;
}

/** The error for a plan that the adapter rejects, with the needs of the plan and the message of the adapter. */
function refusal(
  { name }: Plan,
  { memory: { slotBytes, arenaBytes } }: Program,
  { validation, memory, limits }: {
    validation: GPUError | null;
    memory: GPUError | null;
    limits: GPUSupportedLimits;
  },
): HymbaError {
  if (!memory) return new HymbaError(`plan ${name}: the adapter refused it`, { got: validation?.message });
  return new HymbaError(`plan ${name}: the adapter has no memory left`, {
    expected: `room for ${slotBytes + arenaBytes} bytes, in buffers of at most ${limits.maxBufferSize}`,
    got: memory.message,
    hint: "--remat, a smaller preset or model, or another adapter (--adapter)",
  });
}
