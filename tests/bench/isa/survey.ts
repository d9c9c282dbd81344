/** Compiles every kernel of `paper` with RADV for four chips, without these chips. `run.ts` saves the result. */
import { join } from "node:path";
import { present } from "../../../core/lists.ts";
import type { Launch } from "../../../core/webgpu/launch.ts";
import type { Compiled, Shader } from "./vulkan.ts";
import { mesaFolder } from "../../tensor_cores/mesa.ts";
import { type Packed, packed } from "./compile.ts";
import { CLASSES, isSurveyed, kernelKey, launchesOf, precisionOf, type Stage, stages } from "./launches.ts";
import { type Block, blocksOf, type Instruction, type Loop, loopsOf, ownBlocks } from "./machine_code.ts";
import { type Chip, CHIPS, kernelCost, seconds } from "./model.ts";
import { roundsOf } from "./rounds.ts";
import { spirvOf } from "./spirv.ts";

/** The reason why this machine cannot make a survey; undefined when it can. */
export async function missing(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "RADV is found on Linux only";
  const drivers = await Promise.all(["lvp", "radeon"].map(driverFile));
  return drivers.includes(undefined)
    ? "Mesa's lavapipe and RADV are needed (apt-get install mesa-vulkan-drivers)"
    : undefined;
}

const FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/** The manifest of a Vulkan driver. Some versions of Debian have the architecture in its name. */
async function driverFile(driver: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    for (const name of [`${driver}_icd.json`, `${driver}_icd.${Deno.build.arch}.json`]) {
      const path = join(folder, name);
      if (await Deno.stat(path).then(() => true, () => false)) return path;
    }
  }
  return undefined;
}

/** Whether a kernel is one of tensor cores, which only a Mesa that has them translates: without HYMBA_MESA they are left out. */
export const isOfTensorCores = (kernel: string): boolean => kernel.startsWith("matmul_subgroup_matrix ");

/** Statistics of one round of a loop. */
export interface LoopReport {
  readonly instructions: number;
  readonly multiply_adds: number;
  readonly loads: number;
  readonly lds: number;
  readonly waits: number;
  readonly barriers: number;
}

/** Statistics of a kernel on a chip. */
export interface KernelReport {
  readonly vgprs: number;
  readonly spilled: number;
  readonly scratch_bytes: number;
  readonly lds_bytes: number;
  /** The most waves per vector unit. */
  readonly waves: number;
  readonly code_bytes: number;
  readonly inverse_throughput: number;
  /** The loop with the most multiply-adds, without its inner loops; null in a kernel without loops. */
  readonly hot_loop: LoopReport | null;
}

/** A kernel: the plans and classes of GPUs that need it, and its statistics on each chip. */
export interface Surveyed {
  readonly kernel: string;
  readonly classes: readonly string[];
  readonly chips: Readonly<Record<string, KernelReport>>;
}

/** The estimated time of a plan, and of each kernel in it, in microseconds. */
export interface Estimate {
  readonly arm: string;
  readonly stage: string;
  readonly precision: string;
  readonly chip: string;
  readonly microseconds: number;
  readonly kernels: Readonly<Record<string, { readonly launches: number; readonly microseconds: number }>>;
}

export interface Survey {
  /** Product names of the chips. */
  readonly chips: Readonly<Record<string, string>>;
  readonly kernels: readonly Surveyed[];
  readonly estimates: readonly Estimate[];
}

interface Found {
  readonly launch: Launch;
  readonly classes: Set<string>;
}

/** The parsed machine code of a kernel on a chip, for estimates. */
interface Read {
  readonly report: KernelReport;
  readonly blocks: readonly Block[];
  readonly loops: readonly Loop[];
  readonly invocations: number;
  /** Invocations of a wave. */
  readonly lanes: number;
}

/** Every kernel of the plans, with the classes of GPUs that need it. */
function kernelsOf(all: readonly Stage[]): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const stage of all) {
    for (const adapterClass of CLASSES.filter((one) => isSurveyed(stage, one))) {
      for (const launch of launchesOf(stage, adapterClass)) {
        const key = kernelKey(launch), known = found.get(key) ?? { launch, classes: new Set() };
        known.classes.add(adapterClass);
        found.set(key, known);
      }
    }
  }
  return found;
}

/** Compiles every kernel for every chip of `chips` (names in CHIPS). `listing`: a folder for the machine code. */
export async function survey(
  { chips, listing }: { chips: readonly string[]; listing?: string | undefined },
): Promise<Survey> {
  const mesa = await mesaFolder(), all = stages().filter(({ tensorCores }) => mesa || !tensorCores);
  const found = kernelsOf(all), everyShader = new Map<string, Shader>();
  const shaders = await spirvOf([...found.values()].map(({ launch }) => launch), mesa);
  for (const [i, key] of [...found.keys()].entries()) if (shaders[i]) everyShader.set(key, shaders[i]);
  const read = new Map<string, Map<string, Read>>();
  for (const chip of chips) {
    const compilable = [...everyShader].filter(([, { lanes }]) => lanes === undefined || CHIPS[chip]?.matrixCycles);
    const keys = compilable.map(([key]) => key), own = compilable.map(([, shader]) => shader);
    const compiled = await compiledFor(chip, own.map(packed));
    if (listing) await writeListings(listing, { chip, keys, compiled });
    read.set(chip, new Map(own.map((shader, i) => [keys[i] ?? "", readOf(compiled[i], shader)])));
  }
  const kernels = [...found].map(([kernel, { classes }]) => ({
    kernel,
    classes: [...classes],
    chips: Object.fromEntries(chips.flatMap((chip) => {
      const one = read.get(chip)?.get(kernel);
      return one ? [[chip, one.report]] : [];
    })),
  }));
  const estimates = all.flatMap((stage) =>
    chips.filter((chip) => !stage.tensorCores || CHIPS[chip]?.matrixCycles)
      .map((chip) => estimateOf(stage, { chip, read: read.get(chip) ?? new Map() }))
  );
  const names = Object.fromEntries(chips.map((chip) => [chip, present(CHIPS[chip], chip).name]));
  return { chips: names, kernels, estimates };
}

async function writeListings(
  folder: string,
  { chip, keys, compiled }: { chip: string; keys: readonly string[]; compiled: readonly Compiled[] },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [i, key] of keys.entries()) {
    const name = `${chip}-${key.replaceAll(/[^\w.=-]+/g, "_").slice(0, 180)}.txt`;
    await Deno.writeTextFile(join(folder, name), `${key}\n${listingOf(compiled[i])}`);
  }
}

const listingOf = (compiled: Compiled | undefined): string => compiled?.representations["Assembly"] ?? "";

async function compiledFor(chip: string, shaders: readonly Packed[]): Promise<Compiled[]> {
  const path = await Deno.makeTempFile({ suffix: ".json" }), driver = await driverFile("radeon");
  try {
    await Deno.writeTextFile(path, JSON.stringify(shaders));
    const program = new URL("compile.ts", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, path],
      env: { RADV_FORCE_FAMILY: chip, VK_DRIVER_FILES: driver ?? "", VK_ICD_FILENAMES: driver ?? "" },
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    if (!success || lines.length !== shaders.length) {
      throw new Error(
        `RADV compiled ${lines.length} of ${shaders.length} kernels for ${chip}: ${new TextDecoder().decode(stderr)}`,
      );
    }
    return lines.map((line) => JSON.parse(line) as Compiled);
  } finally {
    await Deno.remove(path);
  }
}

function readOf(compiled: Compiled | undefined, { invocations, lanes = 64 }: Shader): Read {
  if (!compiled) throw new Error("a kernel was not compiled");
  const { statistics } = compiled;
  const of = (name: string): number => {
    const value = statistics[name];
    if (value === undefined) throw new Error(`RADV reports no "${name}", only ${Object.keys(statistics).join(", ")}`);
    return value;
  };
  const blocks = blocksOf(listingOf(compiled)), loops = loopsOf(blocks);
  const report = {
    vgprs: of("VGPRs"),
    spilled: of("Spilled VGPRs") + of("Spilled SGPRs"),
    scratch_bytes: of("Scratch size"),
    lds_bytes: of("LDS size"),
    waves: of("Subgroups per SIMD"),
    code_bytes: of("Code size"),
    inverse_throughput: of("Inverse Throughput"),
    hot_loop: hotLoop(loops, blocks),
  };
  return { report, blocks, loops, invocations, lanes };
}

function hotLoop(loops: readonly Loop[], blocks: readonly Block[]): LoopReport | null {
  const all = (loop: Loop): Loop[] => [loop, ...loop.inner.flatMap(all)];
  const reports = loops.flatMap(all).map((loop) =>
    reportOf(ownBlocks(loop, blocks).flatMap((block) => block.instructions))
  );
  const [most] = reports.sort((a, b) => b.multiply_adds - a.multiply_adds);
  return most && most.multiply_adds > 0 ? most : null;
}

function reportOf(instructions: readonly Instruction[]): LoopReport {
  const count = (...units: Instruction["unit"][]) => instructions.filter(({ unit }) => units.includes(unit)).length;
  return {
    instructions: instructions.length - count("hint"),
    multiply_adds: instructions.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    loads: count("load", "scratch"),
    lds: count("lds"),
    waits: count("wait"),
    barriers: count("barrier"),
  };
}

/** Bytes of a launch: each tensor read or written once. */
const bytesOf = ({ reads, writes }: Launch): number =>
  [...new Set([...reads, ...writes])].reduce((sum, { rows, columns }) => sum + 4 * rows * columns, 0);

function estimateOf(stage: Stage, { chip, read }: { chip: string; read: ReadonlyMap<string, Read> }): Estimate {
  const kernels: Record<string, { launches: number; microseconds: number }> = {};
  let total = 0;
  for (const launch of launchesOf(stage, "discrete")) {
    const one = read.get(kernelKey(launch)), found = CHIPS[chip];
    if (!one || !found) throw new Error(`no machine code of ${launch.kernel.name} for ${chip}`);
    const microseconds = 1e6 * launchSeconds(launch, one, found);
    const sum = kernels[launch.kernel.name] ??= { launches: 0, microseconds: 0 };
    sum.launches++;
    sum.microseconds += microseconds;
    total += microseconds;
  }
  const { arm } = stage;
  return { arm, stage: stage.stage, precision: precisionOf(stage), chip, microseconds: total, kernels };
}

function launchSeconds(launch: Launch, { report, blocks, loops, invocations, lanes }: Read, chip: Chip): number {
  const cleared = report.lds_bytes / (16 * invocations);
  const cost = kernelCost({ blocks, loops, rounds: roundsOf(launch, { cleared }), chip, lanes });
  const groups = launch.grid[0] * launch.grid[1] * launch.grid[2], waves = Math.ceil(invocations / lanes);
  return seconds(cost, { groups, waves, resident: report.waves, lds: report.lds_bytes, bytes: bytesOf(launch), chip });
}
