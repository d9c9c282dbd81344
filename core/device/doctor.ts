/** The diagnosis of `hymba doctor`: adapters, missing features, advice, cache and corpora. */
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
import type { AdapterClass, AdapterInfo, AdapterKind, Limits, MatrixShape } from "./types.ts";

export type { Advice, Machine };

/** A feature that the adapter lacks, and the effect of that. */
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

/** The result of `hymba doctor`, ready for JSON. */
export interface Diagnosis {
  /** The adapter that a run would use; absent when none could be opened. */
  adapter?: AdapterInfo & {
    adapterClass: AdapterClass;
    limits: Limits;
    features: string[];
    /** What its tensor cores multiply in one instruction; empty without them. */
    matrixShapes: readonly MatrixShape[];
  };
  /** The reason why no adapter could be opened. */
  problem?: string;
  /** Every adapter that can be chosen. */
  adapters: { name: string; kind: AdapterKind; installed: boolean }[];
  missing: Missing[];
  advice: Advice[];
  machine: Machine;
  /** The folder of downloads, and the free bytes of its disk. */
  cache: { folder: string; freeBytes: number };
  dataFolder?: string;
  corpora: FoundCorpus[];
}

const EFFECTS: Readonly<Record<string, string>> = {
  "timestamp-query": "profiles have no times of single kernels",
  "shader-f16": "--precision f16 stores activations in 16 bits, but multiplies in 32 bits",
  "subgroups": "kernels exchange values through workgroup memory, which is slower",
  "immediates": "kernels get small parameters through uniform buffers",
};

const missingIn = (features: ReadonlySet<string>): Missing[] =>
  Object.entries(EFFECTS).map(([feature, effect]) => ({ feature, effect })).filter(({ feature }) =>
    !features.has(feature)
  );

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

/** Free bytes for a folder, which need not exist yet. */
async function freeBytes(folder: string): Promise<number> {
  if (await systemDisk.stat(folder)) return await systemDisk.freeSpace(folder);
  const parent = join(folder, "..");
  return parent === folder ? 0 : await freeBytes(parent);
}

/** What the adapter's tensor cores multiply. It is opened once more, because Dawn offers them only to those who ask. */
async function tensorCoresOf(options: { adapter?: string }): Promise<readonly MatrixShape[]> {
  const device = await openDevice({ ...options, tensorCores: true });
  await device.close();
  return device.matrixShapes;
}

/** Opens and closes the adapter. An adapter that cannot be opened is a problem of the machine, which is part of the result. */
async function inspectAdapter(options: { adapter?: string; onProgress?: (message: string) => void }) {
  try {
    const device = await openDevice(options);
    const { info, adapterClass, limits } = device;
    await device.close();
    const features = [...device.features].toSorted(), matrixShapes = await tensorCoresOf(options);
    return { adapter: { ...info, adapterClass, limits, features, matrixShapes }, missing: missingIn(device.features) };
  } catch (error) {
    // An unknown name is a mistake of the caller, not a problem of the machine.
    if (error instanceof UsageError || !(error instanceof HymbaError)) throw error;
    return { problem: error.message, missing: [] };
  }
}

/**
 * Inspects the machine and opens the adapter that a run would use. This downloads SwiftShader if there is no other adapter.
 * Throws a UsageError when `adapter` matches none.
 */
export async function diagnose(options: {
  adapter?: string;
  onProgress?: (message: string) => void;
} = {}): Promise<Diagnosis> {
  const machine = await inspectMachine();
  const opened = await inspectAdapter(options);
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
    corpora: [...(dataFolder ? await corporaIn(dataFolder) : []), ...await corporaIn(join(folder, "datasets"))],
  };
}
