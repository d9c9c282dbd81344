/** The kernels of products on tensor cores: wgsl/matmul_subgroup_matrix.wgsl. */
import aFours from "../../../wgsl/lib/matrix_a_fours.wgsl" with { type: "text" };
import aOnes from "../../../wgsl/lib/matrix_a_ones.wgsl" with { type: "text" };
import bFours from "../../../wgsl/lib/matrix_b_fours.wgsl" with { type: "text" };
import bOnes from "../../../wgsl/lib/matrix_b_ones.wgsl" with { type: "text" };
import cFours from "../../../wgsl/lib/matmul_c_fours.wgsl" with { type: "text" };
import cOnes from "../../../wgsl/lib/matmul_c_ones.wgsl" with { type: "text" };
import keptF16 from "../../../wgsl/lib/matmul_tile_f16.wgsl" with { type: "text" };
import keptF32 from "../../../wgsl/lib/matmul_tile_f32.wgsl" with { type: "text" };
import code from "../../../wgsl/matmul_subgroup_matrix.wgsl" with { type: "text" };
import { type Kernel, kernel, specialised } from "../launch.ts";
import type { MatrixTile, MatrixUnit } from "../matrix_unit.ts";

/** Kernels by name. */
const MADE = new Map<string, Kernel>();

/** The kernel of a tile. `fours`: whether a and b can be loaded by four k, and c by four columns, at a time. */
export function matrixKernel(
  { component, M, N, K, lanes }: MatrixUnit,
  { tile: { down, across, high, wide, depth }, fours }: {
    tile: MatrixTile;
    fours: readonly [a: boolean, b: boolean, c: boolean];
  },
): Kernel {
  const [a, b, c] = fours, loads = fours.map((four) => four ? "x4" : "x1").join(" ");
  const sizes = {
    MATRIX_M: M,
    MATRIX_N: N,
    MATRIX_K: K,
    LANES: lanes,
    DOWN: down,
    ACROSS: across,
    HIGH: high,
    WIDE: wide,
    DEPTH: depth,
  };
  const key = [component, loads, ...Object.values(sizes)].join(" "), known = MADE.get(key);
  if (known) return known;
  const pieces = [
    component === "f16" ? keptF16 : keptF32,
    code,
    a ? aFours : aOnes,
    b ? bFours : bOnes,
    c ? cFours : cOnes,
  ];
  const made = specialised(kernel(`matmul_subgroup_matrix ${component} ${loads}`, ...pieces), sizes);
  MADE.set(key, made);
  return made;
}
