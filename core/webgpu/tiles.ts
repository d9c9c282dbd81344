/** The tiles of matrix products, attention and the scan, and which of them an adapter uses. */
import type { AttributesNamed } from "../ops/registry.ts";
import type { AdapterClass } from "../device/types.ts";

/** A workgroup is one subgroup and computes 4 · rowQuads rows of c (matmul_subgroup); transposed, cᵀ = bᵀ aᵀ, for a narrow c. */
export interface SubgroupTile {
  readonly kernel: "subgroup";
  readonly rowQuads: 1 | 2 | 3 | 4 | 6;
  readonly transposed: boolean;
}

/**
 * A tile of c in workgroup memory (matmul_tile): across × down invocations, each with rowQuads × columnQuads blocks of 4 × 4 sums.
 * Every invocation loads at least four numbers of each operand at a time.
 */
export interface WorkgroupTile {
  readonly kernel: "workgroup";
  readonly across: 8 | 16;
  readonly down: 8 | 16;
  readonly rowQuads: 1 | 2;
  readonly columnQuads: 1 | 2;
  /** Values of k that are loaded at a time. */
  readonly depth: 8 | 16 | 32;
}

/** Rows and columns of c that a tile has. */
export const sizeOfTile = (
  { across, down, rowQuads, columnQuads }: Omit<WorkgroupTile, "kernel" | "depth">,
): { rows: number; columns: number } => ({ rows: 4 * rowQuads * down, columns: 4 * columnQuads * across });

export type MatmulTile = SubgroupTile | WorkgroupTile;

const subgroup = (rowQuads: SubgroupTile["rowQuads"], transposed = false): SubgroupTile => ({
  kernel: "subgroup",
  rowQuads,
  transposed,
});
/** A tile with these rows and columns. 8 invocations share 64 of them, 16 share 128. */
function workgroup(rows: 32 | 64 | 128, columns: 32 | 64 | 128, depth: WorkgroupTile["depth"]): WorkgroupTile {
  return {
    kernel: "workgroup",
    across: columns === 128 ? 16 : 8,
    down: rows === 128 ? 16 : 8,
    rowQuads: rows === 32 ? 1 : 2,
    columnQuads: columns === 32 ? 1 : 2,
    depth,
  };
}

/** All tiles, by the names that caches and run records use: rows × columns × depth, or rows of a subgroup. */
export const MATMUL_TILES: Readonly<Record<string, MatmulTile>> = {
  "subgroup-4": subgroup(1),
  "subgroup-8": subgroup(2),
  "subgroup-12": subgroup(3),
  "subgroup-16": subgroup(4),
  "subgroup-24": subgroup(6),
  "subgroup-4-transposed": subgroup(1, true),
  "subgroup-8-transposed": subgroup(2, true),
  "subgroup-12-transposed": subgroup(3, true),
  "subgroup-16-transposed": subgroup(4, true),
  "subgroup-24-transposed": subgroup(6, true),
  "128x128x8": workgroup(128, 128, 8),
  "128x64x8": workgroup(128, 64, 8),
  "64x64x16": workgroup(64, 64, 16),
  "64x64x8": workgroup(64, 64, 8),
  "64x32x16": workgroup(64, 32, 16),
  "32x64x16": workgroup(32, 64, 16),
  "32x32x16": workgroup(32, 32, 16),
  "32x32x32": workgroup(32, 32, 32),
};

/** Names of tiles by {@link shapeKey}. */
export type TileChoices = Readonly<Record<string, string>>;

/** Choices with their names of today. Version 0.1 wrote "turned" for "transposed" in shapes and in names of tiles. */
export const withCurrentNames = (choices: TileChoices): TileChoices =>
  Object.fromEntries(
    Object.entries(choices).map((pair) => pair.map((word) => word.replaceAll("turned", "transposed"))),
  );

/** The tiles that `tune` tries on each class of adapters. Without tuning, {@link usualTile} chooses by shape. */
const CANDIDATES: Readonly<Record<AdapterClass, readonly string[]>> = {
  discrete: ["128x128x8", "128x64x8", "64x64x8", "64x64x16", "64x32x16", "32x64x16", "32x32x32"],
  integrated: ["64x64x8", "64x64x16", "64x32x16", "32x64x16", "32x32x16", "32x32x32"],
  apple: ["64x64x8", "64x64x16", "64x32x16", "32x64x16", "32x32x16", "32x32x32"],
  software: [
    ...["subgroup-24", "subgroup-16", "subgroup-12", "subgroup-8", "subgroup-4"],
    ...[
      "subgroup-24-transposed",
      "subgroup-16-transposed",
      "subgroup-12-transposed",
      "subgroup-8-transposed",
      "subgroup-4-transposed",
    ],
    "64x64x16",
  ],
};

/** Subgroup sizes that the kernels of one subgroup support. */
const LANES = [4, 8, 16] as const;
export type Lanes = typeof LANES[number];

const lanesOf = (subgroupSize: number): Lanes | undefined => LANES.find((lanes) => lanes === subgroupSize);

/** The tiles of the adapter's class that it can run. */
export function candidatesOf(adapterClass: AdapterClass, { subgroupSize }: { subgroupSize: number }): string[] {
  const subgroups = lanesOf(subgroupSize) !== undefined;
  return CANDIDATES[adapterClass].filter((name) => subgroups || MATMUL_TILES[name]?.kernel === "workgroup");
}

/** Whether products of operands in f16 are faster. On a processor they are not: it converts every operand to f32 first. */
export const multipliesF16 = (adapterClass: AdapterClass): boolean => adapterClass !== "software";

/** The name of a shape among the choices: `M×N×K`, and which of a and b are transposed. */
export const shapeKey = ({ M, N, K, transA, transB }: AttributesNamed<"matmul">): string =>
  `${M}x${N}x${K}${transA ? " a-transposed" : ""}${transB ? " b-transposed" : ""}`;

/** Number of workgroups that keep an adapter of the class busy. */
export const BUSY: Readonly<Record<AdapterClass, number>> = { discrete: 256, integrated: 64, apple: 64, software: 1 };
/** Tiles of GPUs, the largest first. The first one that makes enough workgroups is used. */
const BY_SIZE: Readonly<Record<Exclude<AdapterClass, "software">, readonly WorkgroupTile[]>> = {
  discrete: [workgroup(128, 128, 8), workgroup(128, 64, 8), workgroup(64, 64, 8)],
  integrated: [workgroup(64, 64, 8)],
  apple: [workgroup(64, 64, 8)],
};
/** With tiles of 64 × 64, a product with so few elements of c would leave a small adapter idle. */
const SMALL = 64 * 64;

/** Relative time of one element of c by `rowQuads`, measured on lavapipe. A transposed tile takes COST_TRANSPOSED times as long. */
const COST: Readonly<Record<SubgroupTile["rowQuads"], number>> = { 6: 1, 4: 1.15, 3: 1.4, 2: 1.45, 1: 2.3 };
const COST_TRANSPOSED = 1.1;

/** The tile of a shape that was not tuned. */
export function usualTile(
  shape: Pick<AttributesNamed<"matmul">, "M" | "N">,
  { adapterClass, subgroupSize }: { adapterClass: AdapterClass; subgroupSize: number },
): MatmulTile {
  if (adapterClass === "software") {
    return lanesOf(subgroupSize) ? cheapest(shape, { subgroupSize }) : workgroup(64, 64, 16);
  }
  if (adapterClass !== "discrete" && shape.M * shape.N <= SMALL) return workgroup(32, 32, 32);
  return largestBusy(shape, adapterClass);
}

/** The largest tile that makes enough workgroups to keep the adapter busy. */
function largestBusy(
  { M, N }: Pick<AttributesNamed<"matmul">, "M" | "N">,
  adapterClass: Exclude<AdapterClass, "software">,
): WorkgroupTile {
  const groups = (tile: WorkgroupTile) => {
    const { rows, columns } = sizeOfTile(tile);
    return Math.ceil(M / rows) * Math.ceil(N / columns);
  };
  return BY_SIZE[adapterClass].find((tile) => groups(tile) >= BUSY[adapterClass]) ?? workgroup(64, 64, 8);
}

/** The subgroup tile with the smallest estimated time: cost times the elements that it computes, also those outside of c. */
function cheapest(
  { M, N }: Pick<AttributesNamed<"matmul">, "M" | "N">,
  { subgroupSize }: { subgroupSize: number },
): SubgroupTile {
  const whole = (count: number, unit: number) => Math.ceil(count / unit) * unit;
  const all = [false, true].flatMap((transposed) =>
    Object.entries(COST).map(([quads, cost]) => {
      const rowQuads = Number(quads) as SubgroupTile["rowQuads"], [rows, columns] = transposed ? [N, M] : [M, N];
      const made = whole(rows, 4 * rowQuads) * whole(columns, 4 * subgroupSize);
      return { tile: subgroup(rowQuads, transposed), time: made * cost * (transposed ? COST_TRANSPOSED : 1) };
    })
  );
  return all.reduce((best, next) => next.time < best.time ? next : best).tile;
}

/**
 * Invocations of the attention kernels: `across` share `quads` times four rows of queries (or keys), `down` such groups make a workgroup.
 * One that is a single subgroup needs neither barriers nor workgroup memory, and a second quad halves its loads. On GPUs 16 share the columns
 * of the sums, so that an invocation needs fewer than 128 registers (docs/rejected.md).
 */
export const attentionTile = (
  { adapterClass, subgroupSize }: { adapterClass: AdapterClass; subgroupSize: number },
): { across: number; down: number; quads: number } =>
  adapterClass === "software" && lanesOf(subgroupSize)
    ? { across: subgroupSize, down: 1, quads: 2 }
    : { across: 16, down: 8, quads: 1 };

/** The subgroup that is a workgroup of the scan and takes its channels one after the other; undefined for the scan through workgroup memory. */
export function scanTile(
  { adapterClass, subgroupSize }: { adapterClass: AdapterClass; subgroupSize: number },
): { lanes: Lanes } | undefined {
  const lanes = lanesOf(subgroupSize);
  return adapterClass === "software" && lanes ? { lanes } : undefined;
}
