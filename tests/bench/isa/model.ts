/**
 * Estimates the time of a launch from its machine code. This is a model, not a measurement.
 *
 * `rounds.ts` gives the number of rounds of every loop. A round uses the vector units, workgroup memory and the address units for a
 * number of cycles. One wave alone also has a latency: the cycles to issue its instructions plus its waits. The largest of these counts.
 * The number of parallel waves is limited by registers and workgroup memory. A launch takes at least the time to read and write each
 * of its tensors once at the chip's bandwidth. There are no gaps between launches.
 */
import { type Block, type Instruction, type Loop, MATRIX, ownBlocks } from "./machine_code.ts";

/** Data of a chip from public descriptions. */
export interface Chip {
  readonly name: string;
  /** Compute units; each has vector units (`simds`), one workgroup memory and one path to the caches. */
  readonly units: number;
  readonly simds: number;
  /** Cycles per second. */
  readonly hertz: number;
  /** Memory bandwidth (bytes per second). */
  readonly bandwidth: number;
  /** Cycles of a vector unit per instruction of a wave of 64: float arithmetic, other instructions, transcendental functions. */
  readonly cycles: { readonly float: number; readonly other: number; readonly transcendental: number };
  /** Cycles of a vector unit to multiply 16 × 16 × 16 numbers of f16, in a wave of 32; absent where Mesa 25.0 has no such instruction. */
  readonly matrixCycles?: number;
}

export const CHIPS: Readonly<Record<string, Chip>> = {
  navi21: {
    name: "RX 6900 XT",
    units: 80,
    simds: 2,
    hertz: 2.25e9,
    bandwidth: 512e9,
    cycles: { float: 2, other: 2, transcendental: 8 },
  },
  navi31: {
    name: "RX 7900 XTX",
    units: 96,
    simds: 2,
    hertz: 2.5e9,
    bandwidth: 960e9,
    cycles: { float: 1, other: 2, transcendental: 8 },
    matrixCycles: 32,
  },
  gfx1200: {
    name: "RX 9060 XT",
    units: 32,
    simds: 2,
    hertz: 3.13e9,
    bandwidth: 320e9,
    cycles: { float: 1, other: 2, transcendental: 8 },
  },
  vega10: {
    name: "RX Vega 64",
    units: 64,
    simds: 4,
    hertz: 1.5e9,
    bandwidth: 484e9,
    cycles: { float: 4, other: 4, transcendental: 16 },
  },
};

/** Invocations of a wave, unless the kernel fixes another number. */
const WAVE = 64;

/** A chip and the invocations of a wave, 64 or 32. */
export interface Waves {
  readonly chip: Chip;
  readonly lanes?: number;
}

/** Cycles of a vector unit for one instruction. Half a wave needs half as many where a whole one needs two or more. */
function cyclesOf({ name, unit }: Instruction, { chip: { cycles, matrixCycles = 0 }, lanes = WAVE }: Waves): number {
  if (MATRIX.test(name)) return matrixCycles;
  if (unit !== "transcendental" && unit !== "vector") return 0;
  const whole = unit === "transcendental" ? cycles.transcendental : FLOAT.test(name) ? cycles.float : cycles.other;
  return Math.max(1, whole * lanes / WAVE);
}
/** Bytes of workgroup memory of a compute unit. */
const LDS_ROOM = 65536;
/** Bytes per cycle and compute unit of workgroup memory, and of the path to the caches. */
const LDS_BYTES = 128, CACHE_BYTES = 64;
/** Latency of a load from a cache, a scalar load and a load from workgroup memory (cycles). */
const LATENCY: Readonly<Record<string, number>> = { load: 300, km: 120, ds: 64, store: 0 };
/** Instructions of 32-bit floats that a chip with two sets of units executes for 64 lanes in one cycle. */
const FLOAT = /^v_(fma|fmac|fmaak|fmamk|mul|add|sub|subrev|max|min|mac|mad)_(f32|legacy)/;

/** Cycles of work for each unit, and the latency of one wave from its first instruction to its last. */
export interface Cost {
  readonly vector: number;
  readonly lds: number;
  readonly cache: number;
  readonly latency: number;
}

const NONE: Cost = { vector: 0, lds: 0, cache: 0, latency: 0 };

const plus = (a: Cost, b: Cost, times = 1): Cost => ({
  vector: a.vector + times * b.vector,
  lds: a.lds + times * b.lds,
  cache: a.cache + times * b.cache,
  latency: a.latency + times * b.latency,
});

function busy(instruction: Instruction, waves: Waves): Omit<Cost, "latency"> {
  const { name, unit, bytes } = instruction, { lanes = WAVE } = waves, vector = cyclesOf(instruction, waves);
  const scalar = name.startsWith("s_"), moves = lanes * bytes;
  const cache = (unit === "load" || unit === "store") && !scalar
    ? moves / CACHE_BYTES
    : unit === "scratch"
    ? lanes * 16 / CACHE_BYTES
    : 0;
  return { vector, lds: unit === "lds" ? moves / LDS_BYTES : 0, cache };
}

/** The counter of pending operations that includes an instruction. */
function counterOf({ name, unit }: Instruction): string | undefined {
  if (unit === "lds") return "ds";
  if (unit === "scratch") return "load";
  if (unit === "store") return "store";
  return unit === "load" ? (name.startsWith("s_") ? "km" : "load") : undefined;
}

/** The cost of a sequence of instructions for one wave that has the units to itself. */
export function costOf(instructions: readonly Instruction[], waves: Waves): Cost {
  const under: Record<string, number[]> = { load: [], km: [], ds: [], store: [] };
  let total = NONE, clock = 0;
  for (const instruction of instructions) {
    if (instruction.unit === "hint") continue;
    for (const [counter, left] of Object.entries(instruction.waits)) {
      const waiting = under[counter] ?? [];
      while (waiting.length > left) clock = Math.max(clock, waiting.shift() ?? 0);
    }
    const cost = busy(instruction, waves), issue = Math.max(1, cost.vector);
    total = plus(total, { ...cost, latency: 0 });
    clock += issue;
    const counter = counterOf(instruction);
    if (counter) under[counter]?.push(clock + (LATENCY[counter] ?? 0));
  }
  return { ...total, latency: clock };
}

/** The number of rounds of a loop each time that it is reached. `depth`: the number of loops around it. */
export type Rounds = (loop: Loop, blocks: readonly Block[], depth: number) => number;

/** The cost of a whole kernel for one wave. */
export function kernelCost(
  { blocks, loops, rounds, ...waves }: Waves & {
    blocks: readonly Block[];
    loops: readonly Loop[];
    rounds: Rounds;
  },
): Cost {
  const of = (loop: Loop, depth: number): Cost => {
    const own = costOf(ownBlocks(loop, blocks).flatMap(({ instructions }) => instructions), waves);
    return loop.inner.reduce((sum, inner) => plus(sum, of(inner, depth + 1), rounds(inner, blocks, depth)), own);
  };
  return of({ first: 0, last: blocks.length - 1, inner: loops }, 0);
}

/** Seconds of a launch. */
export function seconds(
  cost: Cost,
  { groups, waves, resident, lds, bytes, chip }: {
    groups: number;
    /** Waves per workgroup. */
    waves: number;
    /** The most waves per vector unit, limited by its registers. */
    resident: number;
    /** Bytes of workgroup memory per workgroup. */
    lds: number;
    bytes: number;
    chip: Chip;
  },
): number {
  // Workgroups that run at the same time in a compute unit.
  const room = Math.max(1, Math.min(Math.floor(resident * chip.simds / waves), Math.floor(LDS_ROOM / lds)));
  const together = (count: number) => {
    const all = count * waves;
    return Math.max(cost.vector * Math.ceil(all / chip.simds), cost.lds * all, cost.cache * all, cost.latency);
  };
  const perUnit = groups / chip.units, full = Math.floor(perUnit / room), rest = Math.ceil(perUnit - full * room);
  const cycles = full * together(room) + (rest > 0 ? together(rest) : 0);
  return Math.max(cycles / chip.hertz, bytes / chip.bandwidth);
}
