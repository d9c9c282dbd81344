import fours from "../../../wgsl/lib/matmul_fours.wgsl" with { type: "text" };
import ones from "../../../wgsl/lib/matmul_ones.wgsl" with { type: "text" };
import subgroupCode from "../../../wgsl/matmul_subgroup.wgsl" with { type: "text" };
import tileF16Code from "../../../wgsl/matmul_tile_f16.wgsl" with { type: "text" };
import tileCode from "../../../wgsl/matmul_tile.wgsl" with { type: "text" };
import { type Tensor, tensorOver } from "../../tensor/mod.ts";
import type { StepNamed } from "../../ops/registry.ts";
import { kernel, type Launch, type LowerContext, type Lowering, placeOf, specialised } from "../launch.ts";
import { type SubgroupTile, usualTile, type WorkgroupTile } from "../tiles.ts";
import { sumPartials } from "./sum_partials.ts";

/** A step that is one product, or a product inside another op. */
export type Product = Pick<StepNamed<"matmul">, "attributes" | "reads" | "writes" | "accumulate">;

const TILE = kernel("matmul_tile", tileCode);
const TILE_F16 = kernel("matmul_tile_f16", tileF16Code);
const SUBGROUP = kernel("matmul_subgroup x4", fours, subgroupCode);
const SUBGROUP_SCALAR = kernel("matmul_subgroup x1", ones, subgroupCode);

/** Rows, and columns, of c that one quad of an invocation of the tile kernel makes over the whole workgroup. */
const QUAD = 32;
/** A slice of k shorter than this costs more in partial sums than it gains. */
const SHORTEST_SLICE = 256;
/** Two infinities in f16, as bits. */
const INFINITE = 0x7c007c00;
/** Workgroups that keep an adapter of the class busy. */
const BUSY = { discrete: 256, integrated: 64, apple: 64, software: 1 } as const;

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

/** Workgroup tiles, k in one piece or in `slices` pieces that `sum_partials` adds up in order. */
export function tiles(
  step: Product,
  { scratch, f16Products }: LowerContext,
  { tile: { rowQuads, columnQuads, depth }, slices = 1 }: { tile: Omit<WorkgroupTile, "kernel">; slices?: number },
): Launch[] {
  const { attributes: { M, N, K }, reads: { a, b }, writes: { c } } = step;
  const SLICE = Math.ceil(K / slices / depth) * depth, cut = Math.ceil(K / SLICE);
  const partial = cut > 1 ? scratch("product", [cut, M * N]) : undefined;
  const out = partial ? tensorOver(partial.storage, [M, N]) : c;
  const shape = { ROW_QUADS: rowQuads, COLUMN_QUADS: columnQuads, DEPTH: depth };
  const f16 = f16Products && step.attributes.f16 === 1;
  const constants = { ...constantsOf(step, out), SLICE, ...(f16 && { INFINITE }), ...shape };
  const launch: Launch = {
    kernel: f16 ? TILE_F16 : TILE,
    constants: partial ? { ...constants, ACCUMULATE: 0 } : constants,
    reads: [a, b],
    writes: [out],
    grid: [Math.ceil(N / (QUAD * columnQuads)), Math.ceil(M / (QUAD * rowQuads)), cut],
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

/** One subgroup a workgroup, for adapters that compute on the processor. */
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

/** Pieces that k is cut into: only where c has too few tiles for the adapter. */
function slicesOf(
  { attributes: { M, N, K } }: Product,
  { adapterClass, tile }: { adapterClass: LowerContext["adapterClass"]; tile: WorkgroupTile },
): number {
  const groups = Math.ceil(M / (QUAD * tile.rowQuads)) * Math.ceil(N / (QUAD * tile.columnQuads));
  return Math.max(1, Math.min(Math.floor(BUSY[adapterClass] / groups), Math.floor(K / SHORTEST_SLICE)));
}

/** The launches of c = a · b, shared by all ops that contain a product. */
export function product(step: Product, context: LowerContext): Launch[] {
  const tile = context.tileOf(step.attributes) ?? usualTile(step.attributes, context);
  if (tile.kernel === "subgroup") return subgroups(step, context, { tile });
  return tiles(step, context, { tile, slices: slicesOf(step, { adapterClass: context.adapterClass, tile }) });
}

export const matmul: Lowering<"matmul"> = product;
