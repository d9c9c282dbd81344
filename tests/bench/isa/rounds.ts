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
  /** Number of its inner loops. */
  readonly inner: number;
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
    inner: loop.inner.length,
    depth,
  };
}

const size = (sizes: Readonly<Record<string, number>>, name: string): number => {
  const value = sizes[name];
  if (value === undefined) throw new Error(`a launch without ${name}`);
  return value;
};

/** Tiles of k, each with DEPTH rounds unless those are unrolled. */
const matmul: Described = ({ inner, multiplyAdds, lds = 0, load = 0 }, { DEPTH = 0, SLICE = 0, K = 0 }) =>
  inner > 0 || (lds > 0 && load > 0) || multiplyAdds > 512 ? Math.ceil(Math.min(SLICE, K) / DEPTH) : DEPTH;

/** Tiles of k. The instructions inside of a tile are unrolled, and the sums of few matrices leave at the end. */
const matrices: Described = ({ multiplyAdds }, { DEPTH = 0, SLICE = 0, K = 0 }) =>
  multiplyAdds > 0 ? Math.ceil(Math.min(SLICE, K) / DEPTH) : 1;

/** Rows of a block and of a tile of attention, and how many columns or rows of a tile are staged at a time. */
const shapeOf = (sizes: Readonly<Record<string, number>>) => ({
  rows: 4 * size(sizes, "DOWN"),
  tile: 4 * size(sizes, "ACROSS"),
  staged: 4 * size(sizes, "FOURS"),
});

/** What a block visits on average: tiles, and stages of rows in a tile. */
function visitsOf(
  sizes: Readonly<Record<string, number>>,
  slotsOf: (first: number, last: number) => readonly number[],
): { tiles: number; stages: number } {
  const T = size(sizes, "T"), { rows, tile, staged } = shapeOf(sizes), blocks = Math.ceil(T / rows);
  let tiles = 0, stages = 0;
  for (let first = 0; first < T; first += rows) {
    for (const count of slotsOf(first, Math.min(first + rows, T) - 1)) {
      tiles += Math.ceil(count / tile);
      stages += Math.floor(count / tile) * tile / staged + Math.ceil(count % tile / staged);
    }
  }
  return { tiles: tiles / blocks, stages: stages / tiles };
}

/** The keys that a block of queries walks through: the meta prefix, then the window. */
const keyVisits = (sizes: Readonly<Record<string, number>>) =>
  visitsOf(sizes, (first, last) => {
    const window = size(sizes, "WINDOW"), start = window === 0 ? 0 : Math.max(first + 1, window) - window;
    return [Math.min(size(sizes, "META"), start), last + 1 - start];
  });

/** The queries that a block of keys walks through. */
const queryVisits = (sizes: Readonly<Record<string, number>>) =>
  visitsOf(sizes, (first, last) => {
    const T = size(sizes, "T"), window = size(sizes, "WINDOW"), span = size(sizes, "SPAN");
    if (span > 0) return [span];
    const all = window === 0 || first < size(sizes, "WHOLE_META");
    return [(all ? T : Math.min(last + window, T)) - first];
  });

/**
 * Loops inside the loop over tiles. Products stage rows of the block and of the tile (two inner loops), weighted sums those of the tile. The two
 * loops of products over K and V columns have the same code, so each has the average number of rounds.
 */
function inTile(
  { inner, multiplyAdds }: Does,
  sizes: Readonly<Record<string, number>>,
  { stages, columns }: { stages: number; columns: number },
): number {
  if (inner === 0) return 1;
  if (inner > 1) return Math.ceil(columns / shapeOf(sizes).staged);
  return multiplyAdds > 0 ? stages : 1;
}

const attentionForward: Described = (does, sizes) => {
  const { tiles, stages } = keyVisits(sizes);
  return does.depth === 0 ? tiles : inTile(does, sizes, { stages, columns: size(sizes, "K") });
};

const attentionByQueries: Described = (does, sizes) => {
  const { tiles, stages } = keyVisits(sizes);
  return does.depth === 0 ? tiles : inTile(does, sizes, { stages, columns: (size(sizes, "K") + size(sizes, "V")) / 2 });
};

const attentionByKeys: Described = (does, sizes) => {
  const { tiles, stages } = queryVisits(sizes);
  if (does.depth < 2) return does.depth === 0 ? size(sizes, "H") / size(sizes, "G") : tiles;
  return inTile(does, sizes, { stages, columns: (size(sizes, "K") + size(sizes, "V")) / 2 });
};

/** Blocks of BLOCK positions of a span. The states are written once per chunk, without a loop. */
const scanForward: Described = ({ inner, store = 0, lds = 0, transcendental = 0 }, sizes) => {
  const block = size(sizes, "BLOCK"), lanes = size(sizes, "ACROSS") * size(sizes, "PARTS");
  if (inner > 0) return Math.min(size(sizes, "SPAN"), size(sizes, "T")) / block;
  if (transcendental >= 16) return block;
  return store > 0 && lds === 0 ? 1 : Math.max(1, block * 16 / lanes);
};

const scanBackward: Described = (does, sizes) => {
  const block = size(sizes, "BLOCK"), lanes = size(sizes, "ACROSS") * size(sizes, "PARTS");
  if (does.depth === 0) return Math.min(size(sizes, "SPAN"), size(sizes, "T")) / 32;
  if (does.inner > 0) return does.depth === 1 ? 32 / block : block;
  return Math.max(1, block * 16 / lanes);
};

const DESCRIBED: readonly (readonly [RegExp, Described])[] = [
  [/^matmul_tile/, matmul],
  [/^matmul_subgroup_matrix/, matrices],
  [/^attention_forward\b/, attentionForward],
  [/^attention_backward_dq\b/, attentionByQueries],
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
    if (does.lds === 1 && !does.load && !does.store && !does.wait && does.inner === 0) return cleared;
    return found ? found(does, sizes, launch) : UNKNOWN;
  };
}
