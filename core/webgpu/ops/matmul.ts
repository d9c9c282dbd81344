import scalarB from "../../../wgsl/lib/matmul_b_scalar.wgsl" with { type: "text" };
import subgroupCode from "../../../wgsl/matmul_subgroup.wgsl" with { type: "text" };
import tileCode from "../../../wgsl/matmul_tile.wgsl" with { type: "text" };
import vec4B from "../../../wgsl/lib/matmul_b_vec4.wgsl" with { type: "text" };
import { type Step, type Tensor, tensorOver } from "../../tensor/mod.ts";
import { kernel, type Launch, type LowerContext, type Lowering, placeOf } from "../launch.ts";
import { sumPartials } from "./sum_partials.ts";

const TILE = kernel("matmul_tile", tileCode);
// `enable` has to come first in a file, so the shared piece follows.
const SUBGROUP = kernel("matmul_subgroup", subgroupCode, vec4B);
const SUBGROUP_SCALAR = kernel("matmul_subgroup_scalar", subgroupCode, scalarB);

/** Rows and columns of c that a workgroup of the tile kernel makes, and how deep its slices of k are cut. */
const TILE_SIZE = 64, TILE_DEPTH = 16;
/** A slice of k shorter than this costs more in partial sums than it gains. */
const SHORTEST_SLICE = 256;
/** Workgroups that keep an adapter of the class busy. */
const BUSY = { discrete: 256, integrated: 64, apple: 64, software: 1 } as const;

function constantsOf({ attributes: { M, N, K, transA, transB }, reads: { a, b }, accumulate }: Step, c: Tensor) {
  return {
    M: M!,
    N: N!,
    K: K!,
    TRANS_A: transA!,
    TRANS_B: transB!,
    ACCUMULATE: accumulate.includes("c") ? 1 : 0,
    ...placeOf("A", a!),
    ...placeOf("B", b!),
    ...placeOf("C", c),
  };
}

/** Workgroup tiles, k in one piece or in `slices` pieces that `sum_partials` adds up in order. */
export function tiles(step: Step, { scratch }: LowerContext, slices = 1): Launch[] {
  const { attributes: { M, N, K }, reads: { a, b }, writes: { c } } = step;
  const SLICE = Math.ceil(K! / slices / TILE_DEPTH) * TILE_DEPTH, cut = Math.ceil(K! / SLICE);
  const partial = cut > 1 ? scratch("product", [cut, M! * N!]) : undefined;
  const out = partial ? tensorOver(partial.storage, [M!, N!]) : c!;
  const constants = { ...constantsOf(step, out), SLICE };
  const launch: Launch = {
    kernel: TILE,
    constants: partial ? { ...constants, ACCUMULATE: 0 } : constants,
    reads: [a!, b!],
    writes: [out],
    grid: [Math.ceil(N! / TILE_SIZE), Math.ceil(M! / TILE_SIZE), cut],
  };
  if (!partial) return [launch];
  return [launch, sumPartials(partial, c!, { accumulate: step.accumulate.includes("c") })];
}

/** One subgroup a workgroup, for adapters that compute on the processor. */
export function subgroups(
  step: Step,
  { subgroupSize }: Pick<LowerContext, "subgroupSize">,
  vec4 = fours(step),
): Launch[] {
  const { attributes: { M, N }, reads: { a, b }, writes: { c } } = step, ROW_QUADS = M! > 4 ? 2 : 1;
  return [{
    kernel: vec4 ? SUBGROUP : SUBGROUP_SCALAR,
    constants: { ...constantsOf(step, c!), LANES: subgroupSize, ROW_QUADS },
    reads: [a!, b!],
    writes: [c!],
    grid: [Math.ceil(M! / (4 * ROW_QUADS)), Math.ceil(N! / (4 * subgroupSize)), 1],
  }];
}

/** Whether every row of b starts at a multiple of four and is one long. */
function fours({ attributes: { N, K, transB }, reads: { b } }: Step): boolean {
  return [transB ? K! : N!, b!.offset, b!.rowStride].every((count) => count % 4 === 0);
}

/** Pieces that k is cut into: only where c has too few tiles for the adapter. */
function slicesOf({ attributes: { M, N, K } }: Step, { adapterClass }: LowerContext): number {
  const groups = Math.ceil(M! / TILE_SIZE) * Math.ceil(N! / TILE_SIZE);
  return Math.max(1, Math.min(Math.floor(BUSY[adapterClass] / groups), Math.floor(K! / SHORTEST_SLICE)));
}

export const matmul: Lowering = (step, context) => {
  const { adapterClass, subgroupSize } = context;
  if (adapterClass === "software" && [4, 8, 16].includes(subgroupSize)) return subgroups(step, context);
  return tiles(step, context, slicesOf(step, context));
};
