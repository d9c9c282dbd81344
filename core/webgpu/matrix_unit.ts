/** Which product of small matrices the kernel of tensor cores uses on an adapter, and the tiles of c that it makes of them. */
import { MATRIX_FEATURES, matrixShapeInWords } from "../device/matrix_shapes.ts";
import type { AdapterClass, Device } from "../device/types.ts";
import { HymbaError } from "../errors.ts";
import type { AttributesNamed } from "../ops/registry.ts";
import { BUSY } from "./tiles.ts";

/** An M × K by K × N product that a subgroup computes in one instruction, with sums in f32, and the limits for its workgroups. */
export interface MatrixUnit {
  /** The type of the operands. f16: they are rounded to it. */
  readonly component: "f16" | "f32";
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Invocations of a subgroup. */
  readonly lanes: number;
  /** Bytes of workgroup memory, and invocations, that a workgroup may have. */
  readonly workgroupBytes: number;
  readonly invocations: number;
}

/** A workgroup of down × across subgroups, each with high × wide matrices of sums. */
export interface MatrixTile {
  readonly down: number;
  readonly across: number;
  readonly high: number;
  readonly wide: number;
  /** Values of k that are loaded at a time. */
  readonly depth: number;
}

/** Matrices have to divide the parts of the tiles, and have row lengths divisible by four. */
const DIMENSIONS: readonly number[] = [4, 8, 16];
/** The subgroup size of NVIDIA's and Apple's GPUs, which those of AMD and Intel can have, too. */
const USUAL_LANES = 32;

/** The fixed number of invocations of a subgroup; undefined if it cannot be fixed. */
function lanesOf({ info: { subgroupMinSize: least, subgroupMaxSize: most }, features }: Opened): number | undefined {
  if (MATRIX_FEATURES.some((name) => !features.has(name))) return undefined;
  if (least === most) return least || undefined;
  return least <= USUAL_LANES && USUAL_LANES <= most ? USUAL_LANES : undefined;
}

type Opened = Pick<Device, "info" | "features" | "limits" | "matrixShapes">;

/**
 * The largest product with sums in f32 of an opened device: of operands in f16, or, on GPUs that sum only products of f32 in f32, of those.
 * Undefined where it has none, or was opened without `tensorCores`.
 */
export function matrixUnitOf(device: Opened): MatrixUnit | undefined {
  const { matrixShapes, limits, features } = device, lanes = lanesOf(device);
  if (lanes === undefined) return undefined;
  const of = (component: MatrixUnit["component"]): MatrixUnit[] =>
    matrixShapes
      .filter((shape) => shape.component === component && shape.result === "f32")
      .filter(({ M, N, K }) => [M, N, K].every((size) => DIMENSIONS.includes(size)))
      .map(({ M, N, K }) => ({
        component,
        M,
        N,
        K,
        lanes,
        workgroupBytes: limits.maxComputeWorkgroupStorageSize,
        invocations: limits.maxComputeInvocationsPerWorkgroup,
      }))
      .filter((unit) => tilesOf(unit).length > 0)
      .sort((one, other) => other.M * other.N * other.K - one.M * one.N * one.K);
  return (features.has("shader-f16") ? of("f16")[0] : undefined) ?? of("f32")[0];
}

/** The same, or a HymbaError that says what the adapter has. */
export function requireMatrixUnit(device: Opened): MatrixUnit {
  const unit = matrixUnitOf(device);
  if (unit) return unit;
  const { matrixShapes, info: { name, subgroupMinSize, subgroupMaxSize } } = device;
  throw new HymbaError(`the adapter ${JSON.stringify(name)} has no tensor cores that hymba can use`, {
    expected: "subgroup matrices of f16 or f32 with sums in f32, in subgroups of a fixed size",
    got: matrixShapes.length === 0
      ? "none"
      : `${matrixShapes.map(matrixShapeInWords).join("; ")}; subgroups of ${subgroupMinSize} to ${subgroupMaxSize}`,
    hint: "--tensor-cores off, or another adapter (hymba doctor shows the tensor cores of each)",
  });
}

/** In words, for run records: `f16 → f32, 16 × 16 × 16, subgroups of 32`. */
export const matrixUnitInWords = ({ component, M, N, K, lanes }: MatrixUnit): string =>
  `${matrixShapeInWords({ component, result: "f32", M, N, K })}, subgroups of ${lanes}`;

/** Rows and columns of a tile of c. */
export const sizeOfMatrixTile = (
  { M, N }: Pick<MatrixUnit, "M" | "N">,
  { down, across, high, wide }: MatrixTile,
): { rows: number; columns: number } => ({ rows: down * high * M, columns: across * wide * N });

/** Bytes of workgroup memory of a tile: as the arrays in wgsl/matmul_subgroup_matrix.wgsl. */
function bytesOf({ component, M, N }: MatrixUnit, tile: MatrixTile): number {
  const { rows, columns } = sizeOfMatrixTile({ M, N }, tile), { depth, down, across } = tile;
  const kept = (lines: number) => lines * (depth + 8);
  return (component === "f16" ? 2 : 4) * (kept(rows) + kept(columns)) + 4 * down * across * M * N;
}

/** Rows and columns of the sums of a subgroup, and subgroups down and across; the largest tile first. */
const SHARES = [
  { rows: 64, columns: 32, down: 2, across: 4 },
  { rows: 32, columns: 32, down: 2, across: 2 },
  { rows: 16, columns: 16, down: 2, across: 2 },
] as const;
const DEPTH = 32;
/** Smaller tiles load too much for each multiplication. They serve where workgroup memory has no room for this one. */
const LEAST_ROWS = 64;

/** The tiles that a unit has room for, the largest first: 128 × 128, 64 × 64 and 32 × 32. */
export const tilesOf = (unit: MatrixUnit): MatrixTile[] =>
  SHARES
    .map(({ rows, columns, down, across }) => ({
      down,
      across,
      high: rows / unit.M,
      wide: columns / unit.N,
      depth: DEPTH,
    }))
    .filter((tile) => bytesOf(unit, tile) <= unit.workgroupBytes)
    .filter(({ down, across }) => down * across * unit.lanes <= unit.invocations);

/** The largest tile that makes enough workgroups to keep the adapter busy, else that of 64 × 64, or 32 × 32 where there is no room. */
export function matrixTile(
  { M, N }: Pick<AttributesNamed<"matmul">, "M" | "N">,
  { unit, adapterClass }: { unit: MatrixUnit; adapterClass: AdapterClass },
): MatrixTile {
  const all = tilesOf(unit), large = all.filter((tile) => sizeOfMatrixTile(unit, tile).rows >= LEAST_ROWS);
  const tiles = large.length > 0 ? large : all;
  const groups = (tile: MatrixTile) => {
    const { rows, columns } = sizeOfMatrixTile(unit, tile);
    return Math.ceil(M / rows) * Math.ceil(N / columns);
  };
  const found = tiles.find((tile) => groups(tile) >= BUSY[adapterClass]) ?? tiles.at(-1);
  if (!found) throw new HymbaError("no tile of c fits into a workgroup", { got: matrixUnitInWords(unit) });
  return found;
}
