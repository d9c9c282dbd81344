import { join } from "node:path";
import { cacheFolder } from "../disk/cache_folder.ts";
import { systemDisk } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import { type Advice, advise } from "./advice.ts";
import { kindOf } from "./choose.ts";
import { candidates } from "./dawn.ts";
import { inspectMachine, type Machine } from "./machine.ts";
import { openDevice } from "./mod.ts";
import { swiftShaderFolder } from "./swiftshader.ts";
import type { AdapterClass, AdapterInfo, AdapterKind, Limits } from "./types.ts";

export type { Advice, Machine };

/** Something the adapter lacks, and what that costs. */
export interface Missing {
  feature: string;
  effect: string;
}

/** A corpus file that is on this machine. */
export interface FoundCorpus {
  name: string;
  path: string;
  bytes: number;
}

/** All that `hymba doctor` knows: a plain value, fit for JSON. */
export interface Diagnosis {
  /** The adapter a run would use; absent when none could be opened. */
  adapter?: AdapterInfo & { adapterClass: AdapterClass; limits: Limits; features: string[] };
  /** Why none could be opened. */
  problem?: string;
  /** Every adapter that could be chosen. */
  adapters: { name: string; kind: AdapterKind; installed: boolean }[];
  missing: Missing[];
  advice: Advice[];
  machine: Machine;
  /** Where downloads are kept, and how many bytes fit in there besides. */
  cache: { folder: string; freeBytes: number };
  dataFolder?: string;
  corpora: FoundCorpus[];
}

const EFFECTS: Readonly<Record<string, string>> = {
  "timestamp-query": "profiles have no times of single kernels",
  "shader-f16": "--precision f16 keeps activations in 16 bits and multiplies them in f32",
  "subgroups": "kernels exchange values through workgroup memory, which is slower",
  "immediates": "small parameters go through uniform buffers",
};

const missingIn = (features: ReadonlySet<string>): Missing[] =>
  Object.entries(EFFECTS).filter(([feature]) => !features.has(feature)).map(([feature, effect]) => ({
    feature,
    effect,
  }));

async function corporaIn(folder: string): Promise<FoundCorpus[]> {
  const found: FoundCorpus[] = [];
  const names = await systemDisk.stat(folder) ? await systemDisk.list(folder) : [];
  for (const name of names) {
    const path = join(folder, name, "input.txt");
    const stat = await systemDisk.stat(path).catch(() => undefined);
    if (stat?.kind === "file") found.push({ name, path, bytes: stat.bytes });
  }
  return found;
}

/** Bytes free for a folder that may not exist yet. */
async function freeBytes(folder: string): Promise<number> {
  if (await systemDisk.stat(folder)) return await systemDisk.freeSpace(folder);
  const parent = join(folder, "..");
  return parent === folder ? 0 : await freeBytes(parent);
}

async function openForLook(options: { adapter?: string; onProgress?: (message: string) => void }) {
  try {
    const device = await openDevice(options);
    const { info, adapterClass, limits } = device;
    await device.close();
    const features = [...device.features].toSorted();
    return { adapter: { ...info, adapterClass, limits, features }, missing: missingIn(device.features) };
  } catch (error) {
    // A name nobody has is the caller's mistake, not the machine's.
    if (error instanceof UsageError || !(error instanceof HymbaError)) throw error;
    return { problem: error.message, missing: [] };
  }
}

/**
 * Looks at the machine and opens the adapter that a run would use (which fetches SwiftShader where there is nothing else).
 * Prints nothing. Throws a UsageError when `adapter` matches none.
 */
export async function diagnose(options: {
  adapter?: string;
  onProgress?: (message: string) => void;
} = {}): Promise<Diagnosis> {
  const machine = await inspectMachine();
  const opened = await openForLook(options);
  const swiftShaderIsHere = await systemDisk.stat(swiftShaderFolder()) !== undefined;
  const dataFolder = Deno.env.get("HYMBA_DATA_DIR") || undefined;
  const folder = cacheFolder();
  const adapters = (await candidates()).map(({ name, packaged }) => {
    return { name, kind: kindOf(name), installed: !packaged || swiftShaderIsHere };
  });
  const installed = adapters.filter((one) => one.installed).map(({ kind }) => kind);
  return {
    ...opened,
    adapters,
    advice: advise(machine, { chosen: opened.adapter?.kind, installed }),
    machine,
    cache: { folder, freeBytes: await freeBytes(folder) },
    dataFolder,
    corpora: [...dataFolder ? await corporaIn(dataFolder) : [], ...await corporaIn(join(folder, "datasets"))],
  };
}
