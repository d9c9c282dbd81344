import { join } from "node:path";
import { HymbaError } from "../errors.ts";
import { type Candidate, choose, classOf, kindOf } from "./choose.ts";
import { spinFor, throttlePolling } from "./polling.ts";
import { withoutHarmlessWarnings } from "./quiet.ts";
import { ensureSwiftShader, swiftShaderFits } from "./swiftshader.ts";
import type { OpenOptions } from "./types.ts";

/** An adapter that Dawn has opened, and what it was opened with. */
export interface DawnAdapter {
  gpu: GPU;
  adapter: GPUAdapter;
  candidate: Candidate;
}

/** Dawn frees its instance when this object is collected, under its own poller: held for the life of the process. */
const instances = new Map<string, GPU>();
/** Held for the same reason: an unloaded Vulkan loader takes every driver with it. */
const loaders: unknown[] = [];

const BACKEND: Partial<Record<typeof Deno.build.os, string>> = { darwin: "metal", windows: "d3d12" };
const backend = BACKEND[Deno.build.os] ?? "vulkan";

const NO_SUCH_NAME = "no such adapter";
/** Named as the pinned driver names itself. */
const PACKAGED: Candidate = { backend: "vulkan", name: "SwiftShader Device (Subzero)", packaged: true };

async function instanceOf(flags: readonly string[], drivers = "system"): Promise<GPU> {
  const key = [drivers, ...flags].join("\n");
  const known = instances.get(key);
  if (known) return known;
  const { create, globals } = await import("webgpu");
  throttlePolling();
  if (instances.size === 0) Object.assign(globalThis, globals);
  const made = create([...flags]);
  instances.set(key, made);
  return made;
}

const look = (gpu: GPU) => withoutHarmlessWarnings(() => gpu.requestAdapter());

/** Opens the system's Vulkan loader for good; false when there is none. */
function openSystemLoader(): boolean {
  try {
    if (loaders.length === 0) loaders.push(Deno.dlopen("libvulkan.so.1", {}));
    return true;
  } catch {
    return false;
  }
}

/** Every adapter that Dawn accepts on this machine, software drivers included. */
async function systemAdapters(): Promise<Candidate[]> {
  // Without a loader Dawn finds nothing, and says so in words that would alarm.
  if (Deno.build.os === "linux" && !openSystemLoader()) return [];
  // Dawn has no call that lists its adapters, but it lists them when it is asked for one that does not exist.
  const gpu = await instanceOf([`backend=${backend}`, `adapter=${NO_SUCH_NAME}`]);
  const message = await look(gpu).then(() => "", (error: Error) => error.message);
  const found = [...message.matchAll(/\* backend: '([^']*)', name: '([^']*)'/g)];
  return found.map(([, backend = "", name = ""]) => ({ backend, name })).filter((one) => one.backend === backend);
}

/** Looked up once: drivers do not come and go while a process runs. */
let system: Promise<Candidate[]> | undefined;

async function findCandidates(): Promise<Candidate[]> {
  const listed = await (system ??= systemAdapters());
  const packaged = swiftShaderFits() && !listed.some(({ name }) => kindOf(name) === "swiftshader");
  return packaged ? [...listed, PACKAGED] : listed;
}

/** Runs `work` with other environment variables and puts the old ones back. */
async function withEnvironment<T>(values: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
}

/** Makes a Vulkan loader available to Dawn, which opens it by name: the system's if there is one. */
function loadVulkan(folder: string): void {
  if (!openSystemLoader()) loaders.push(Deno.dlopen(join(folder, "libvulkan.so.1"), {}));
}

async function openPackaged(options: OpenOptions): Promise<DawnAdapter> {
  const folder = await ensureSwiftShader(options);
  try {
    loadVulkan(folder);
  } catch (cause) {
    throw new HymbaError("SwiftShader's Vulkan loader cannot be opened", {
      got: cause instanceof Error ? cause.message : String(cause),
      hint: "is the cache folder mounted noexec? Set XDG_CACHE_HOME to another folder",
      cause,
    });
  }
  const icd = join(folder, "vk_swiftshader_icd.json");
  const flags = ["backend=vulkan", ...options.toggles ?? []];
  return await withEnvironment({ VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd }, async () => {
    const gpu = await instanceOf(flags, icd);
    const adapter = await look(gpu);
    return { gpu, adapter: accepted(adapter, PACKAGED), candidate: PACKAGED };
  });
}

function accepted(adapter: GPUAdapter | null, { name }: Candidate): GPUAdapter {
  if (adapter) return adapter;
  throw new HymbaError(`the adapter ${JSON.stringify(name)} cannot be opened`, {
    hint: "choose another one with --adapter TEXT (hymba doctor lists them)",
  });
}

async function open(options: OpenOptions): Promise<DawnAdapter> {
  const wanted = options.adapter || Deno.env.get("HYMBA_ADAPTER");
  const candidate = choose(await findCandidates(), wanted);
  if (!candidate) {
    throw new HymbaError("no GPU and no software Vulkan driver on this machine", {
      hint: "hymba doctor names the command that installs a driver",
    });
  }
  spinFor(classOf(candidate.name) === "software" ? "software" : "hardware");
  if (candidate.packaged) return await openPackaged(options);
  const gpu = await instanceOf([`backend=${backend}`, `adapter=${candidate.name}`, ...options.toggles ?? []]);
  return { gpu, adapter: accepted(await look(gpu), candidate), candidate };
}

let queue: Promise<unknown> = Promise.resolve();

/** One caller at a time: the choice goes through environment variables of the process. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = queue.then(work);
  queue = mine.catch(() => {});
  return mine;
}

/** The adapters that {@link openDawn} chooses from: what Dawn lists, and SwiftShader from npm where it runs. */
export const candidates = (): Promise<Candidate[]> => inTurn(findCandidates);

/** Chooses an adapter (hardware, lavapipe, SwiftShader) and opens it with Dawn. */
export const openDawn = (options: OpenOptions): Promise<DawnAdapter> => inTurn(() => open(options));
