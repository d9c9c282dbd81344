/**
 * The numbers of rounds of the kernels' loops. The compiler does not know them; they follow from the sizes of a launch. A loop in the
 * machine code is recognised by its instructions. Loops of other kernels count as `UNKNOWN` rounds; these kernels are limited by
 * memory bandwidth.
 */
import type { Launch } from "../../../core/webgpu/launch.ts";
import { type Block, type Loop, ownBlocks, type Unit } from "./machine_code.ts";
import type { Rounds } from "./model.ts";

const UNKNOWN = 8;

/** Numbers of instructions of a loop by unit, without its inner loops. */
interface Does extends Partial<Record<Unit, number>> {
  readonly multiplyAdds: number;
  /** Whether it has inner loops. */
  readonly outer: boolean;
  /** Loops around it. */
  readonly depth: number;
}

type Described = (does: Does, sizes: Readonly<Record<string, number>>, launch: Launch) => number;

function doesOf(loop: Loop, { blocks, depth }: { blocks: readonly Block[]; depth: number }): Does {
  const all = ownBlocks(loop, blocks).flatMap(({ instructions }) => instructions);
  const counts: Partial<Record<Unit, number>> = {};
  for (const { unit } of all) counts[unit] = (counts[unit] ?? 0) + 1;
  return {
    ...counts,
    multiplyAdds: all.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    outer: loop.inner.length > 0,
    depth,
  };
}

const size = (sizes: Readonly<Record<string, number>>, name: string): number => {
  const value = sizes[name];
  if (value === undefined) throw new Error(`a launch without ${name}`);
  return value;
};

/** Tiles of k, each with DEPTH rounds unless those are unrolled. */
const matmul: Described = ({ outer, multiplyAdds, lds = 0, load = 0 }, { DEPTH = 0, SLICE = 0, K = 0 }) =>
  outer || (lds > 0 && load > 0) || multiplyAdds > 512 ? Math.ceil(Math.min(SLICE, K) / DEPTH) : DEPTH;

/** Tiles of 32 keys that a block of 32 queries visits, on average. */
function keyTiles(sizes: Readonly<Record<string, number>>): number {
  const T = size(sizes, "T"), window = size(sizes, "WINDOW"), meta = size(sizes, "META"), blocks = Math.ceil(T / 32);
  let tiles = 0;
  for (let first = 0; first < T; first += 32) {
    const start = window === 0 ? 0 : Math.max(first + 1, window) - window, end = Math.min(first + 32, T);
    tiles += Math.ceil((end - start) / 32) + Math.ceil(Math.min(meta, start) / 32);
  }
  return tiles / blocks;
}

/** Tiles of 32 queries that a block of 32 keys visits, on average. */
function queryTiles(sizes: Readonly<Record<string, number>>): number {
  const T = size(sizes, "T"), window = size(sizes, "WINDOW"), meta = size(sizes, "META"), blocks = Math.ceil(T / 32);
  let tiles = 0;
  for (let first = 0; first < T; first += 32) {
    const last = Math.min(first + 32, T) - 1, end = window === 0 || first < meta ? T : Math.min(last + window, T);
    tiles += Math.ceil((end - first) / 32);
  }
  return tiles / blocks;
}

/** Loops over ⌈K / 32⌉ pieces of 8 fours, and over the 8 invocations of a row; those for tiles of few keys are not taken. */
const pairs: Described = ({ multiplyAdds, outer, lds = 0, load = 0 }, sizes) => {
  const few = lds > 0 ? lds === 1 : load < 8;
  if (outer) return multiplyAdds === 0 ? size(sizes, "V") / 32 : keyTiles(sizes);
  return few ? 0 : 8;
};

const attentionByKeys: Described = (does, sizes, launch) => {
  if (does.outer && does.multiplyAdds === 0) {
    return (does.load ?? 0) === 3 ? size(sizes, "H") / size(sizes, "G") : size(sizes, "V") / 32;
  }
  return does.outer ? queryTiles(sizes) : pairs(does, sizes, launch);
};

/** Blocks of BLOCK positions of a span. The states are written once per chunk, without a loop. */
const scanForward: Described = ({ outer, store = 0, lds = 0, transcendental = 0 }, sizes) => {
  const block = size(sizes, "BLOCK"), lanes = 16 * size(sizes, "PARTS");
  if (outer) return Math.min(size(sizes, "SPAN"), size(sizes, "T")) / block;
  if (transcendental >= 16) return block;
  return store > 0 && lds === 0 ? 1 : Math.max(1, block * 16 / lanes);
};

const scanBackward: Described = (does, sizes) => {
  const block = size(sizes, "BLOCK"), lanes = 16 * size(sizes, "PARTS");
  if (does.depth === 0) return Math.min(size(sizes, "SPAN"), size(sizes, "T")) / 32;
  if (does.outer) return does.depth === 1 ? 32 / block : block;
  return Math.max(1, block * 16 / lanes);
};

const DESCRIBED: readonly (readonly [RegExp, Described])[] = [
  [/^matmul_tile/, matmul],
  [/^attention_(forward|backward_dq)\b/, pairs],
  [/^attention_backward_dkv\b/, attentionByKeys],
  [/^selective_scan_forward\b/, scanForward],
  [/^selective_scan_backward\b/, scanBackward],
];

/** The constants at the start of a kernel's code. */
const constantsIn = (code: string): Record<string, number> =>
  Object.fromEntries(
    [...code.matchAll(/^const (\w+) = (\d+)u;$/gm)].map(([, name = "", value]) => [name, Number(value)]),
  );

/** The rounds of a launch's loops. `cleared`: rounds of the first loop, which clears workgroup memory. */
export function roundsOf(launch: Launch, { cleared }: { cleared: number }): Rounds {
  const sizes = { ...constantsIn(launch.kernel.code), ...launch.constants };
  const found = DESCRIBED.find(([pattern]) => pattern.test(launch.kernel.name))?.[1];
  return (loop, blocks, depth) => {
    const does = doesOf(loop, { blocks, depth });
    if (does.lds === 1 && !does.load && !does.store && !does.wait && !does.outer) return cleared;
    return found ? found(does, sizes, launch) : UNKNOWN;
  };
}
