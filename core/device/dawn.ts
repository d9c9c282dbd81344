/** Opens adapters with Dawn: those of the system, and SwiftShader from npm. */
import { join } from "node:path";
import { HymbaError } from "../errors.ts";
import { gpuBackend, loadNative, swiftShaderRuns, thisHost, thisPlatform } from "../system/mod.ts";
import { type Candidate, choose, classOf, kindOf } from "./choose.ts";
import { spinFor, throttlePolling } from "./polling.ts";
import { withoutHarmlessWarnings } from "./dawn_warnings.ts";
import { ensureSwiftShader } from "./swiftshader.ts";
import type { OpenOptions } from "./types.ts";

/** An opened adapter, its Dawn instance, and the candidate that it was opened for. */
export interface DawnAdapter {
  gpu: GPU;
  adapter: GPUAdapter;
  candidate: Candidate;
}

/**
 * Dawn's instances by flags. They are never released: Dawn frees an instance when its object is garbage-collected, while its
 * poller still uses it.
 */
const instances = new Map<string, GPU>();
/** Vulkan loaders. They are never released, because unloading a loader unloads all its drivers. */
const loaders: unknown[] = [];

const backend = gpuBackend(thisPlatform);

/** What a user of Node can do. */
const INSTALL = 'npm install webgpu, or the option backend: "cpu"';
const INSTALL_DRIVER = 'install a Vulkan driver, or give the option backend: "cpu"';

const NO_SUCH_NAME = "no such adapter";
/** SwiftShader from npm. Its driver reports this name. */
const PACKAGED: Candidate = { backend: "vulkan", name: "SwiftShader Device (Subzero)", packaged: true };

/** Dawn. Deno fetches its package; in Node the user installs it. */
async function dawn(): Promise<typeof import("webgpu")> {
  try {
    return await loadNative("webgpu", () => import("webgpu"), { without: "--backend cpu computes without it" });
  } catch (cause) {
    if (thisHost() === "deno") throw cause;
    throw new HymbaError("WebGPU in Node needs the npm package webgpu", { hint: INSTALL, cause });
  }
}

async function instanceOf(flags: readonly string[], drivers = "system"): Promise<GPU> {
  const key = [drivers, ...flags].join("\n");
  const known = instances.get(key);
  if (known) return known;
  const { create, globals } = await dawn();
  throttlePolling();
  if (instances.size === 0) Object.assign(globalThis, globals);
  const made = create([...flags]);
  instances.set(key, made);
  return made;
}

const requestAdapter = (gpu: GPU) => withoutHarmlessWarnings(() => gpu.requestAdapter());

/** Opens the system's Vulkan loader and keeps it open. False when there is none. Node cannot; there Dawn does it. */
function openSystemLoader(): boolean {
  if (thisHost() === "node") return true;
  try {
    if (loaders.length === 0) loaders.push(Deno.dlopen("libvulkan.so.1", {}));
    return true;
  } catch {
    return false;
  }
}

/** Every adapter of the system that Dawn accepts, including software drivers. */
async function systemAdapters(): Promise<Candidate[]> {
  // Without a loader Dawn finds no adapter and prints an alarming message.
  if (thisPlatform.os === "linux" && !openSystemLoader()) return [];
  // Dawn has no function that lists its adapters. It lists them in the error message for an unknown name.
  const gpu = await instanceOf([`backend=${backend}`, `adapter=${NO_SUCH_NAME}`]);
  const message = await requestAdapter(gpu).then(() => "", (error: Error) => error.message);
  const found = [...message.matchAll(/\* backend: '([^']*)', name: '([^']*)'/g)];
  return found.map(([, backend = "", name = ""]) => ({ backend, name })).filter((one) => one.backend === backend);
}

/** The list is made once, because drivers do not change while a process runs. */
let system: Promise<Candidate[]> | undefined;

async function findCandidates(): Promise<Candidate[]> {
  const listed = await (system ??= systemAdapters());
  const packaged = thisHost() === "deno" && swiftShaderRuns(thisPlatform) &&
    !listed.some(({ name }) => kindOf(name) === "swiftshader");
  return packaged ? [...listed, PACKAGED] : listed;
}

/** Sets an environment variable, or deletes it. */
function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Deno.env.delete(name);
  else Deno.env.set(name, value);
}

/** Runs `work` with other environment variables, then restores the old ones. */
export async function withEnvironment<T>(values: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) setVariable(name, value);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) setVariable(name, value);
  }
}

/** Loads a Vulkan loader, which Dawn then finds by name: the system's, else the one in `folder`. */
function loadVulkan(folder: string): void {
  if (!openSystemLoader()) loaders.push(Deno.dlopen(join(folder, "libvulkan.so.1"), {}));
}

/** What can be wrong with the files of SwiftShader, which are in the cache folder. */
const NOEXEC = "if the cache folder is mounted noexec, set XDG_CACHE_HOME to another folder";

async function openPackaged(options: OpenOptions): Promise<DawnAdapter> {
  const folder = await ensureSwiftShader(options);
  try {
    loadVulkan(folder);
  } catch (cause) {
    throw new HymbaError("SwiftShader's Vulkan loader cannot be opened", {
      got: cause instanceof Error ? cause.message : String(cause),
      hint: NOEXEC,
      cause,
    });
  }
  const icd = join(folder, "vk_swiftshader_icd.json");
  const flags = ["backend=vulkan", ...options.toggles ?? []];
  return await withEnvironment({ VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd }, async () => {
    const gpu = await instanceOf(flags, icd);
    const adapter = await requestAdapter(gpu);
    return { gpu, adapter: accepted(adapter, PACKAGED, { hint: NOEXEC }), candidate: PACKAGED };
  });
}

const OTHER_ADAPTER = "choose another one with --adapter TEXT (hymba doctor lists them)";

function accepted(
  adapter: GPUAdapter | null,
  { name }: Candidate,
  { hint = OTHER_ADAPTER }: { hint?: string } = {},
): GPUAdapter {
  if (adapter) return adapter;
  throw new HymbaError(`the adapter ${JSON.stringify(name)} cannot be opened`, { hint });
}

async function open(options: OpenOptions): Promise<DawnAdapter> {
  const wanted = options.adapter || thisPlatform.env("HYMBA_ADAPTER");
  const candidate = choose(await findCandidates(), wanted);
  if (!candidate) {
    throw new HymbaError("no GPU and no software Vulkan driver on this machine", {
      hint: thisHost() === "node" ? INSTALL_DRIVER : "hymba doctor shows the command that installs a driver",
    });
  }
  spinFor(classOf(candidate.name) === "software" ? "software" : "hardware");
  if (candidate.packaged) return await openPackaged(options);
  const gpu = await instanceOf([`backend=${backend}`, `adapter=${candidate.name}`, ...options.toggles ?? []]);
  return { gpu, adapter: accepted(await requestAdapter(gpu), candidate), candidate };
}

let queue: Promise<unknown> = Promise.resolve();

/** Runs one piece of work at a time, because opening an adapter changes environment variables of the process. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = queue.then(work);
  queue = mine.catch(() => {});
  return mine;
}

/** The adapters that {@link openDawn} chooses from: those that Dawn lists, and SwiftShader from npm where it runs. */
export const candidates = (): Promise<Candidate[]> => inTurn(findCandidates);

/** Chooses an adapter (hardware, lavapipe, SwiftShader) and opens it with Dawn. */
export const openDawn = (options: OpenOptions): Promise<DawnAdapter> => inTurn(() => open(options));
