/** Which executor carries a study out: a GPU when there is one, else the processor. */
import { choose, kindOf } from "../device/choose.ts";
import { type DeviceLost, UsageError } from "../errors.ts";
import type { Executor } from "../plan/mod.ts";
import { openWebgpu } from "../webgpu/mod.ts";
import type { TileChoices } from "../webgpu/tiles.ts";

/** A toggle for whoever times kernels: Dawn otherwise rounds timestamps to 65.5 µs, lest pages measure what they should not. */
export const EXACT_TIMESTAMPS = ["disable-dawn-features=timestamp_quantization"] as const;

export const BACKENDS = ["auto", "webgpu", "cpu"] as const;
export type Backend = typeof BACKENDS[number];

/** Which machine computes. */
export interface BackendOptions {
  /** `webgpu`, `cpu`, or `auto`, which is the default: a graphics processor where there is one. */
  readonly backend?: string;
  /** Part of an adapter's name; asking for one asks for WebGPU. */
  readonly adapter?: string;
  /** Threads on the processor. Default: as many as it has cores. */
  readonly threads?: number;
  /** Switches of Dawn's: see {@link openWebgpu}. */
  readonly toggles?: readonly string[];
  /** Told what is fetched and how far. */
  onProgress?(message: string): void;
}

/** An executor and what the run record says of it. */
export interface OpenBackend {
  readonly executor: Executor;
  readonly backend: Exclude<Backend, "auto">;
  /** True when a graphics processor computes. */
  readonly hardware: boolean;
  readonly adapter: Readonly<Record<string, string | number>>;
  /** What took the device away, if something did: asked after an error, because errors of a lost device come before its loss. */
  lossOf?(): Promise<DeviceLost | undefined>;
  /** Tiles that were tuned for this adapter and driver, already in use; absent where nothing was. */
  readonly tiles?: TileChoices;
}

/** True when Dawn lists an adapter that is not a software driver. */
async function hasHardware(): Promise<boolean> {
  const { candidates } = await import("../device/dawn.ts");
  const best = choose(await candidates());
  return best !== undefined && kindOf(best.name) === "hardware";
}

/** Long enough for a device to say that it is lost. */
const afterwards = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 500));

async function cachedTiles(of: { name: string; driver: string }): Promise<TileChoices> {
  const [{ readTiles }, { systemDisk }] = await Promise.all([import("./tile_cache.ts"), import("../disk/mod.ts")]);
  return await readTiles(systemDisk, of);
}

async function openCpu(threads: number | undefined): Promise<OpenBackend> {
  // Imported here, because it needs Deno and a browser has to be able to load this module.
  const { CpuExecutor } = await import("../cpu/mod.ts");
  const executor = await CpuExecutor.create({ threads });
  return {
    executor,
    backend: "cpu",
    hardware: false,
    adapter: { name: "WebAssembly", build: executor.build, threads: executor.threads },
  };
}

/**
 * Opens what `backend` names. `auto`: WebGPU when an adapter is asked for (option or HYMBA_ADAPTER) or a hardware adapter is
 * there, else the processor. Throws UsageError for an unknown name, HymbaError when the choice cannot be opened.
 */
export async function openBackend(
  { backend = "auto", adapter, threads, toggles, onProgress }: BackendOptions = {},
): Promise<OpenBackend> {
  if (!BACKENDS.some((name) => name === backend)) {
    throw new UsageError(`unknown backend ${JSON.stringify(backend)}`, { expected: BACKENDS.join(", ") });
  }
  const browser = !("Deno" in globalThis);
  const asked = browser ? "the browser's own" : adapter ?? Deno.env.get("HYMBA_ADAPTER");
  if (backend === "cpu" && adapter) {
    throw new UsageError("--adapter chooses a WebGPU adapter and does not go with --backend cpu");
  }
  if (backend === "cpu" || (backend === "auto" && !asked && !await hasHardware())) return await openCpu(threads);
  const executor = await openWebgpu({ adapter, toggles, onProgress });
  const { name, vendor, driver, kind, backend: api } = executor.opened.info;
  const tiles = browser ? {} : await cachedTiles({ name, driver });
  executor.useTiles(tiles);
  return {
    executor,
    ...(Object.keys(tiles).length > 0 && { tiles }),
    backend: "webgpu",
    hardware: kind === "hardware",
    lossOf: () => Promise.race([executor.opened.lost, afterwards()]),
    adapter: {
      ...{ name, vendor, driver, kind, api, class: executor.opened.adapterClass },
      f16: executor.f16Products ? "products" : "storage",
    },
  };
}
