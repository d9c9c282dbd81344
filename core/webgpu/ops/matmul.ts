import fours from "../../../wgsl/lib/matmul_fours.wgsl" with { type: "text" };
import aFours from "../../../wgsl/lib/matmul_a_fours.wgsl" with { type: "text" };
import aOnes from "../../../wgsl/lib/matmul_a_ones.wgsl" with { type: "text" };
import bFours from "../../../wgsl/lib/matmul_b_fours.wgsl" with { type: "text" };
import bOnes from "../../../wgsl/lib/matmul_b_ones.wgsl" with { type: "text" };
import cFours from "../../../wgsl/lib/matmul_c_fours.wgsl" with { type: "text" };
import cOnes from "../../../wgsl/lib/matmul_c_ones.wgsl" with { type: "text" };
import ones from "../../../wgsl/lib/matmul_ones.wgsl" with { type: "text" };
import keptF16 from "../../../wgsl/lib/matmul_tile_f16.wgsl" with { type: "text" };
import keptF32 from "../../../wgsl/lib/matmul_tile_f32.wgsl" with { type: "text" };
import subgroupCode from "../../../wgsl/matmul_subgroup.wgsl" with { type: "text" };
import tileCode from "../../../wgsl/matmul_tile.wgsl" with { type: "text" };
import type { StepNamed } from "../../ops/registry.ts";
import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import { type Kernel, kernel, type Launch, type LowerContext, type Lowering, placeOf, specialised } from "../launch.ts";
import { type MatrixTile, matrixTile, type MatrixUnit, sizeOfMatrixTile } from "../matrix_unit.ts";
import { BUSY, sizeOfTile, type SubgroupTile, usualTile, type WorkgroupTile } from "../tiles.ts";
import { matrixKernel } from "./matrix_product.ts";
import { sumPartials } from "./sum_partials.ts";

/** A step that is one product, or a product inside another op. */
export type Product = Pick<StepNamed<"matmul">, "attributes" | "reads" | "writes" | "accumulate">;

/**
 * Kernels with workgroup tiles, by the format of the tiles in workgroup memory and by the widths of the loads of a, b and c.
 */
const TILES = new Map<string, Kernel>();
const SUBGROUP = kernel("matmul_subgroup x4", fours, subgroupCode);
const SUBGROUP_SCALAR = kernel("matmul_subgroup x1", ones, subgroupCode);

/** A slice of k shorter than this costs more in partial sums than it gains. */
const SHORTEST_SLICE = 256;

function constantsOf({ attributes: { M, N, K, transA, transB }, reads: { a, b }, accumulate }: Product, c: Tensor) {
  return {
    M,
    N,
    K,
    TRANS_A: transA,
    TRANS_B: transB,
    ACCUMULATE: accumulate.includes("c") ? 1 : 0,
    ...placeOf("A", a),
    ...placeOf("B", b),
    ...placeOf("C", c),
  };
}

/** Whether the length of a row, and the offset and stride of its tensor, are multiples of four. */
const inWholeFours = (length: number, { offset, rowStride }: Tensor): boolean =>
  [length, offset, rowStride].every((count) => count % 4 === 0);

/** The kernel of a workgroup tile for the rows of this product. */
function tileKernel(
  { attributes: { M, N, transA, transB }, reads: { a, b }, writes: { c } }: Product,
  { tile: { across, down, rowQuads, columnQuads, depth }, f16 }: { tile: Omit<WorkgroupTile, "kernel">; f16: boolean },
): Kernel {
  const wide = [
    transA === 1 && inWholeFours(M, a),
    transB === 0 && inWholeFours(N, b),
    inWholeFours(N, c) && (M * N) % 4 === 0,
  ] as const;
  const sizes = { ACROSS: across, DOWN: down, ROW_QUADS: rowQuads, COLUMN_QUADS: columnQuads, DEPTH: depth };
  const name = `matmul_tile${f16 ? "_f16" : ""} ${wide.map((four) => four ? "x4" : "x1").join(" ")}`;
  const key = [name, ...Object.values(sizes)].join(" "), known = TILES.get(key);
  if (known) return known;
  const aText = wide[0] ? aFours : aOnes, bText = wide[1] ? bFours : bOnes, cText = wide[2] ? cFours : cOnes;
  const made = specialised(kernel(name, f16 ? keptF16 : keptF32, tileCode, aText, bText, cText), sizes);
  TILES.set(key, made);
  return made;
}

/** Workgroup tiles, k in one piece or in `slices` pieces that `sum_partials` adds up in order. */
export function tiles(
  step: Product,
  context: LowerContext,
  { tile, slices = 1 }: { tile: Omit<WorkgroupTile, "kernel">; slices?: number },
): Launch[] {
  const f16 = context.f16Products && step.attributes.f16 === 1;
  const kernelOf = (launched: Product) => tileKernel(launched, { tile, f16 });
  return tiled(step, context, { ...sizeOfTile(tile), depth: tile.depth, slices, kernelOf });
}

/** Tiles on tensor cores, likewise. */
export function matrices(
  step: Product,
  context: LowerContext,
  { unit, tile, slices = 1 }: { unit: MatrixUnit; tile: MatrixTile; slices?: number },
): Launch[] {
  const kernelOf = ({ attributes: { M, N, K, transA, transB }, reads: { a, b }, writes: { c } }: Product) =>
    matrixKernel(unit, {
      tile,
      fours: [
        transA === 0 && inWholeFours(K, a),
        transB === 1 && inWholeFours(K, b),
        inWholeFours(N, c) && (M * N) % 4 === 0,
      ],
    });
  return tiled(step, context, { ...sizeOfMatrixTile(unit, tile), depth: tile.depth, slices, kernelOf });
}

/** The launch of a kernel that makes tiles of rows × columns of c, and the sum of the slices of k. */
function tiled(
  step: Product,
  { scratch }: LowerContext,
  { rows, columns, depth, slices, kernelOf }: {
    rows: number;
    columns: number;
    depth: number;
    slices: number;
    kernelOf(launched: Product): Kernel;
  },
): Launch[] {
  const { attributes: { M, N, K }, reads: { a, b }, writes: { c } } = step;
  const SLICE = Math.ceil(K / slices / depth) * depth, cut = Math.ceil(K / SLICE);
  const partial = cut > 1 ? scratch("product", [cut, M * N]) : undefined;
  const out = partial ? tensorOver(partial.storage, [M, N]) : c;
  const constants = { ...constantsOf(step, out), SLICE };
  const launch: Launch = {
    kernel: kernelOf({ ...step, writes: { c: out } }),
    constants: partial ? { ...constants, ACCUMULATE: 0 } : constants,
    reads: [a, b],
    writes: [out],
    grid: [Math.ceil(N / columns), Math.ceil(M / rows), cut],
  };
  if (!partial) return [launch];
  return [launch, sumPartials(partial, c, { accumulate: step.accumulate.includes("c") })];
}

/** The same product with rows and columns exchanged: cᵀ = bᵀ · aᵀ. */
function transposedProduct({ attributes: { M, N, K, transA, transB }, reads: { a, b }, ...rest }: Product): Product {
  return {
    ...rest,
    attributes: { M: N, N: M, K, transA: 1 - transB, transB: 1 - transA },
    reads: { a: b, b: a },
  };
}

/** One subgroup per workgroup, for adapters that compute on the processor. */
export function subgroups(
  given: Product,
  { subgroupSize }: Pick<LowerContext, "subgroupSize">,
  { tile: { rowQuads, transposed }, vec4 }: { tile: Omit<SubgroupTile, "kernel">; vec4?: boolean },
): Launch[] {
  const step = transposed ? transposedProduct(given) : given;
  const { attributes: { M, N }, reads: { a, b }, writes: { c } } = step;
  return [{
    kernel: specialised(vec4 ?? inFours(step, { transposed }) ? SUBGROUP : SUBGROUP_SCALAR, { LANES: subgroupSize }),
    constants: { ...constantsOf(step, c), ROW_QUADS: rowQuads, TRANSPOSED: transposed ? 1 : 0 },
    reads: [a, b],
    writes: [c],
    grid: [Math.ceil(M / (4 * rowQuads)), Math.ceil(N / (4 * subgroupSize)), 1],
  }];
}

/** Whether every row of a, b and c starts at a multiple of four and is one long. */
function inFours(
  { attributes: { M, N, K, transA, transB }, reads: { a, b }, writes: { c } }: Product,
  { transposed }: Pick<SubgroupTile, "transposed">,
): boolean {
  const lengths = [transA ? M : K, transB ? K : N, transposed ? M : N];
  const places = [a, b, c].flatMap(({ offset, rowStride }) => [offset, rowStride]);
  return [...lengths, ...places].every((count) => count % 4 === 0);
}

/** Split-K: the number of slices of k. More than one only if c has too few tiles for the adapter. */
function slicesOf(
  { attributes: { M, N, K } }: Pick<Product, "attributes">,
  { adapterClass, rows, columns }: { adapterClass: LowerContext["adapterClass"]; rows: number; columns: number },
): number {
  const groups = Math.ceil(M / rows) * Math.ceil(N / columns);
  return Math.max(1, Math.min(Math.floor(BUSY[adapterClass] / groups), Math.floor(K / SHORTEST_SLICE)));
}

/** The launches of c = a · b, shared by all ops that contain a product. */
export function product(step: Product, context: LowerContext): Launch[] {
  const { likeRows, ...attributes } = step.attributes, shape = { ...attributes, M: likeRows ?? attributes.M };
  const { adapterClass, matrixUnit: unit } = context;
  const slices = (size: { rows: number; columns: number }) =>
    slicesOf({ attributes: shape }, { adapterClass, ...size });
  if (unit && step.attributes.f16 === 1) {
    const tile = matrixTile(shape, { unit, adapterClass });
    return matrices(step, context, { unit, tile, slices: slices(sizeOfMatrixTile(unit, tile)) });
  }
  const tile = context.tileOf(shape) ?? usualTile(shape, context);
  if (tile.kernel === "subgroup") return subgroups(step, context, { tile });
  return tiles(step, context, { tile, slices: slices(sizeOfTile(tile)) });
}

export const matmul: Lowering<"matmul"> = product;
