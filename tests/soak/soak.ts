/** Runs the same small study many times in one process, on the real disk, and looks for growth. */
import { join } from "node:path";
import { cpuUsage, memoryUsage } from "node:process";
import { getHeapSpaceStatistics } from "node:v8";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { countMade, keptBytes } from "./kept.ts";
import { grows, type Slope, slopeOf } from "./slopes.ts";

const MEBIBYTE = 2 ** 20;

/**
 * The series that are measured after each study, with the tolerated growth over the whole soak. `code` is compiled code in V8's heap,
 * `objects` is the rest of this heap. V8 recompiles functions for hours as it learns their types, and has lists of this code among
 * the objects. Without its compilers (--v8-flags=--expose-gc,--no-opt,--no-maglev,--no-sparkplug) neither grows. `kept` is native
 * memory that Deno does not free (./kept.ts), zero on the CPU executor; `rss` does not include it.
 */
export const WATCHED = {
  rss: { unit: "MiB", tolerated: 16 },
  kept: { unit: "MiB", tolerated: Infinity },
  objects: { unit: "MiB", tolerated: 0.5 },
  code: { unit: "MiB", tolerated: 2 },
  buffers: { unit: "buffers", tolerated: 0 },
  bufferBytes: { unit: "MiB", tolerated: 0 },
  handles: { unit: "handles", tolerated: 0 },
  cpu: { unit: "ms", tolerated: Infinity },
} as const;

export type Watched = keyof typeof WATCHED;

/** The fewest studies: the last two thirds need twelve blocks of three values. */
const LEAST = 54;

/** Tolerated growth of the processor time per study, as a share of its mean. */
const SLOWER = 0.05;

/** An executor with counters of its buffers. */
interface Held {
  readonly executor: Executor;
  held(): { buffers: number; bytes: number };
  /** Bytes that Deno will never free. */
  kept(): number;
}

async function openCpu(): Promise<Held> {
  const executor = await CpuExecutor.create({ threads: 1 });
  const held = () => ({ buffers: executor.heap.blocks, bytes: executor.heap.usedBytes });
  return { executor, held, kept: () => 0 };
}

/** Opens a WebGPU executor and counts the buffers that are not destroyed. */
async function openGpu(): Promise<Held> {
  const executor = await openWebgpu(), { device } = executor.gpu, counted = countMade();
  const made = device.createBuffer.bind(device), alive = new Map<GPUBuffer, number>();
  device.createBuffer = (descriptor) => {
    const buffer = made(descriptor), destroy = buffer.destroy.bind(buffer);
    alive.set(buffer, descriptor.size);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    return buffer;
  };
  const held = () => ({ buffers: alive.size, bytes: [...alive.values()].reduce((sum, size) => sum + size, 0) });
  return { executor, held, kept: () => keptBytes(counted) };
}

/** Bytes of objects and bytes of bytecode and machine code in V8's heap. */
function heapOf(): { objects: number; code: number } {
  const held = { objects: 0, code: 0 };
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics()) {
    held[/^(shared_)?(code|trusted)_/.test(name) ? "code" : "objects"] += size;
  }
  return held;
}

/** Number of open files and sockets of this process; 0 where the system does not tell it. */
async function handles(): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  return (await Array.fromAsync(Deno.readDir("/proc/self/fd"))).length;
}

export interface Soak {
  readonly backend: "cpu" | "webgpu";
  readonly seconds: number;
  readonly arm: string;
  /** Called between two studies. A test uses it to make something grow. */
  between?(executor: Executor): void;
}

export interface SoakResult {
  readonly studies: number;
  readonly slopes: Readonly<Record<Watched, Slope>>;
  /** The series that grew beyond interval and tolerance. */
  readonly grown: readonly Watched[];
}

/** Runs at least 54 studies and at least `seconds` after the first one. The first third is not evaluated. */
export async function soak({ backend, seconds, arm, between }: Soak): Promise<SoakResult> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (!collect) throw new Error("run with --v8-flags=--expose-gc");
  const { executor, held, kept } = await (backend === "cpu" ? openCpu() : openGpu());
  const folder = await Deno.makeTempDir(), corpus = madeUpCorpus();
  const names = Object.keys(WATCHED) as Watched[];
  const series = Object.fromEntries(names.map((name): [Watched, number[]] => [name, []])) as Record<Watched, number[]>;
  try {
    for (let round = 0, end = 0; round < LEAST || performance.now() < end; round++) {
      const before = cpuUsage();
      const options = { executor, corpus, disk: systemDisk, folder: join(folder, "run"), environment: ENVIRONMENT };
      await runStudy(tinyStudy({ arms: [arm], seeds: [round] }), options);
      await Deno.remove(join(folder, "run"), { recursive: true });
      const { user, system } = cpuUsage(before);
      if (round === 0) end = performance.now() + 1000 * seconds;
      between?.(executor);
      collect();
      const { rss } = memoryUsage(), { objects, code } = heapOf(), { buffers, bytes } = held();
      const measured: Record<Watched, number> = {
        rss: (rss - kept()) / MEBIBYTE,
        kept: kept() / MEBIBYTE,
        objects: objects / MEBIBYTE,
        code: code / MEBIBYTE,
        buffers,
        bufferBytes: bytes / MEBIBYTE,
        handles: await handles(),
        cpu: (user + system) / 1000,
      };
      for (const name of names) series[name].push(measured[name]);
    }
  } finally {
    await executor.close();
    await Deno.remove(folder, { recursive: true });
  }
  return judged(series);
}

function judged(series: Record<Watched, number[]>): SoakResult {
  const names = Object.keys(WATCHED) as Watched[], studies = series.rss.length;
  const slopes = Object.fromEntries(
    names.map((name) => [name, slopeOf(series[name].slice(Math.floor(studies / 3)))]),
  ) as Record<Watched, Slope>;
  const tolerated = (name: Watched) => name === "cpu" ? SLOWER * slopes.cpu.mean : WATCHED[name].tolerated;
  return { studies, slopes, grown: names.filter((name) => grows(slopes[name], tolerated(name))) };
}

/** One line per series. */
export function linesOf({ slopes, grown }: SoakResult): string[] {
  return (Object.keys(WATCHED) as Watched[]).map((name) => {
    const { mean, growth, half } = slopes[name], { unit } = WATCHED[name];
    const number = (value: number) => value.toFixed(3);
    return `${name}: mean ${number(mean)} ${unit}, growth ${number(growth)} ± ${number(half)}${
      grown.includes(name) ? ", GROWS" : ""
    }`;
  });
}
