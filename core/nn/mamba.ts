/** The Mamba branch between its input slices and its gated output. */
import type { HymbaConfig } from "../config/mod.ts";
import { causalConv } from "../ops/causal_conv.ts";
import { linear } from "../ops/linear.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { selectiveScan } from "../ops/selective_scan.ts";
import { sliceColumns, type Tape, type Tensor, withRows } from "../tensor/mod.ts";

/** Finds a parameter of the layer by its short name. */
export type Parameters = (name: string) => Tensor;

/**
 * conv and SiLU on x, projection to step size, B and C (normalised with `innerNorms`), selective scan, gate silu(z).
 * Shapes: x, z [B, T, I], slices of the fused projection; returns [B, T, I].
 */
export function mambaBranch(
  tape: Tape,
  { x, z }: { x: Tensor; z: Tensor },
  { config, parameters }: { config: HymbaConfig; parameters: Parameters },
): Tensor {
  const [B, T, I] = x.shape as [number, number, number], { dtRank: R, stateSize: N } = config;
  const udt = withRows(tape.tensor("u and dt", [B, T, 2, I]), 2);
  const u = causalConv(tape, { x, w: parameters("conv.w"), bias: parameters("conv.b") }, {
    into: sliceColumns(udt, 0, [I]),
  });
  const selected = linear(tape, { x: u, w: parameters("x_proj") }, { name: "dt, B and C" });
  const { dt, bc } = config.innerNorms ? normedSelection(tape, selected, { config, parameters }) : {
    dt: sliceColumns(selected, 0, [R]),
    bc: sliceColumns(selected, R, [2, N]),
  };
  linear(tape, { x: dt, w: parameters("dt_proj.w") }, { into: sliceColumns(udt, I, [I]) });
  const { y } = selectiveScan(tape, {
    udt,
    bc,
    z,
    aLog: parameters("a_log"),
    skip: parameters("d"),
    dtBias: parameters("dt_proj.b"),
  });
  return y;
}

function normedSelection(
  tape: Tape,
  selected: Tensor,
  { config, parameters }: { config: HymbaConfig; parameters: Parameters },
) {
  const [B, T] = selected.shape as [number, number], { dtRank: R, stateSize: N, normEps: eps } = config;
  const bc = withRows(tape.tensor("B and C", [B, T, 2, N]), 2);
  const { y: dt } = rmsnorm(tape, { x: sliceColumns(selected, 0, [R]), w: parameters("dt_norm") }, { eps });
  rmsnorm(tape, { x: sliceColumns(selected, R, [N]), w: parameters("b_norm") }, {
    eps,
    into: sliceColumns(bc, 0, [N]),
  });
  rmsnorm(tape, { x: sliceColumns(selected, R + N, [N]), w: parameters("c_norm") }, {
    eps,
    into: sliceColumns(bc, N, [N]),
  });
  return { dt, bc };
}
