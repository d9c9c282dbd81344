/**
 * This folder: chooses the executor of a run.
 * Chooses and opens the executor of a study: a GPU if there is one, else the processor.
 */
import { choose, kindOf } from "../device/choose.ts";
import { type DeviceLost, quoted, UsageError } from "../errors.ts";
import { requireGiven } from "../given.ts";
import type { Executor } from "../plan/mod.ts";
import { memoryLimit, readSystemText, thisHost, thisPlatform } from "../system/mod.ts";
import { openWebgpu } from "../webgpu/mod.ts";
import { matrixUnitInWords } from "../webgpu/matrix_unit.ts";
import type { TileChoices } from "../webgpu/tiles.ts";
import { meantHint } from "../nearest.ts";

/** A Dawn toggle for exact timestamps. By default Dawn rounds them to 65.5 µs, as a protection against hostile web pages. */
export const EXACT_TIMESTAMPS = ["disable-dawn-features=timestamp_quantization"] as const;

const BACKENDS = ["auto", "webgpu", "cpu"] as const;
export type Backend = typeof BACKENDS[number];

/** How to choose an executor. */
export interface BackendOptions {
  /** `webgpu`, `cpu` or `auto`. Default: `auto`, a GPU if there is one. */
  readonly backend?: string;
  /** Part of an adapter's name. With `auto` it selects WebGPU. */
  readonly adapter?: string;
  /** Threads of the CPU executor. Default: the number of cores. */
  readonly threads?: number;
  /** Toggles of Dawn: see {@link openWebgpu}. */
  readonly toggles?: readonly string[];
  /** Whether tensor cores make the products that a plan marks with `f16`. */
  readonly tensorCores?: boolean;
  /** Called with the progress of downloads. */
  onProgress?(message: string): void;
}

/** An executor and its description in the run record. */
export interface OpenBackend {
  readonly executor: Executor;
  readonly backend: Exclude<Backend, "auto">;
  /** Whether a real GPU computes, not a software driver. */
  readonly hardware: boolean;
  readonly adapter: Readonly<Record<string, string | number>>;
  /** The loss of the device, if it is lost. Ask after an error: the errors of a lost device arrive before its loss. */
  lossOf?(): Promise<DeviceLost | undefined>;
  /** The tuned tiles of this adapter and driver, already in use; absent if there are none. */
  readonly tiles?: TileChoices;
}

/** Whether a browser has a GPU: an adapter that is not its software driver. */
async function browserHasHardware(): Promise<boolean> {
  const gpu: GPU | undefined = navigator.gpu, adapter = await gpu?.requestAdapter();
  return adapter !== null && adapter !== undefined && !adapter.info.isFallbackAdapter;
}

/** Whether Dawn can be loaded. In Node it is a package that the user may have left out. */
const hasDawn = async () => thisHost() === "deno" || await import("webgpu").then(() => true, () => false);

/** True when there is an adapter that is not a software driver. */
async function hasHardware(): Promise<boolean> {
  if (thisHost() === "browser") return await browserHasHardware();
  if (!await hasDawn()) return false;
  const { candidates } = await import("../device/dawn.ts");
  const best = choose(await candidates());
  return best !== undefined && kindOf(best.name) === "hardware";
}

/** Waits until a lost device would have reported its loss. */
const lossDelay = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 500));

async function cachedTiles(of: { name: string; driver: string }): Promise<TileChoices> {
  const [{ readTiles }, { thisDisk }] = await Promise.all([import("./tile_cache.ts"), import("../disk/mod.ts")]);
  return await readTiles(thisDisk(), of);
}

/** Memory of the process besides its tensors: the engine, the text, checkpoints while they are written (bytes). */
const BESIDE_TENSORS = 512 * 2 ** 20;

async function openCpu(threads: number | undefined): Promise<OpenBackend> {
  const { CpuExecutor } = await import("../cpu/mod.ts");
  const group = await memoryLimit(readSystemText);
  const container = group && { limit: group.limit, inUse: group.limit - group.free, beside: BESIDE_TENSORS };
  const executor = await CpuExecutor.create({ threads, container });
  return {
    executor,
    backend: "cpu",
    hardware: false,
    adapter: { name: "WebAssembly", build: executor.build, threads: executor.threads },
  };
}

/** Backends by the names that other programs have for them. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  gpu: "webgpu",
  cuda: "webgpu",
  vulkan: "webgpu",
  metal: "webgpu",
};

/** Throws a UsageError for an unknown backend. */
function requireBackend(name: unknown): void {
  if (typeof name !== "string") {
    throw new UsageError("the backend is wrong", { expected: BACKENDS.join(", "), got: String(name) });
  }
  if (BACKENDS.some((backend) => backend === name)) return;
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  const hint = other ? `did you mean ${other}?` : meantHint(name, BACKENDS);
  throw new UsageError(`unknown backend ${quoted(name)}`, { expected: BACKENDS.join(", "), hint });
}

const noTensorCores = () =>
  new UsageError("tensor cores are those of a GPU, and this is the processor", {
    expected: "--backend webgpu, or --tensor-cores off",
  });

/**
 * Opens the executor of `backend`. `auto` is WebGPU if an adapter is named (option or HYMBA_ADAPTER) or there is a hardware
 * adapter, else the CPU. Throws a UsageError for an unknown name, a HymbaError when the executor cannot be opened.
 */
export async function openBackend(
  { backend = "auto", adapter, threads, toggles, tensorCores = false, onProgress }: BackendOptions = {},
): Promise<OpenBackend> {
  requireBackend(backend);
  requireGiven(adapter === undefined || typeof adapter === "string", "the adapter is wrong", {
    expected: "a part of its name",
    value: adapter,
  });
  const asked = adapter ?? thisPlatform.env("HYMBA_ADAPTER");
  if (backend === "cpu" && adapter) {
    throw new UsageError("--adapter chooses a WebGPU adapter and cannot be used with --backend cpu");
  }
  if (backend === "cpu" || (backend === "auto" && !asked && !await hasHardware())) {
    if (tensorCores) throw noTensorCores();
    return await openCpu(threads);
  }
  const executor = await openWebgpu({ adapter, toggles, tensorCores, onProgress });
  const { name, vendor, driver, kind, backend: api } = executor.opened.info;
  const tiles = thisHost() === "browser" ? {} : await cachedTiles({ name, driver });
  executor.useTiles(tiles);
  const { matrixUnit } = executor.gpu;
  return {
    executor,
    ...(Object.keys(tiles).length > 0 && { tiles }),
    backend: "webgpu",
    hardware: kind === "hardware",
    lossOf: () => Promise.race([executor.opened.lost, lossDelay()]),
    adapter: {
      name,
      vendor,
      driver,
      kind,
      api,
      class: executor.opened.adapterClass,
      f16: executor.f16Products ? "products" : "storage",
      ...(matrixUnit && { tensorCores: matrixUnitInWords(matrixUnit) }),
    },
  };
}
