/** The Mamba branch, from its input slices to its gated output. */
import { linear } from "../ops/linear.ts";
import { rmsnorm } from "../ops/rmsnorm.ts";
import { swiglu } from "../ops/swiglu.ts";
import { dimsOf, sliceColumns, type Tape, type Tensor, withRows } from "../tensor/mod.ts";
import type { LayerContext } from "./mixing.ts";

/**
 * The Mamba branch: with its scan, or without it. Shapes: x [B, T, I], and z [B, T, I], or with the scan off the normalised
 * stream [B, T, D]; returns [B, T, I] (or `into`).
 */
export const mambaBranch = (
  tape: Tape,
  inputs: { x: Tensor; z: Tensor },
  context: LayerContext & { into?: Tensor },
): Tensor => (context.config.state === "on" ? scanned : gatedConvolution)(tape, inputs, context);

/** The branch without its scan: silu(z_proj · z) · silu(conv(x)). Shapes: x [B, T, I], z [B, T, D]; returns [B, T, I] (or `into`). */
function gatedConvolution(
  tape: Tape,
  { x, z }: { x: Tensor; z: Tensor },
  { layer, parameters, mixing, into }: LayerContext & { into?: Tensor },
): Tensor {
  const [B, T, I] = dimsOf(x, 3);
  const both = { ...tape.tensor("gate and convolved", [B, T, 2 * I]), lead: 2 };
  linear(tape, { x: z, w: parameters("z_proj") }, { into: sliceColumns(both, 0, [I]) });
  const convolution = { x, w: parameters("conv.w"), bias: parameters("conv.b") };
  mixing.convolve(convolution, { layer, into: sliceColumns(both, I, [I]), of: "conv" });
  return swiglu(tape, both, { into });
}

/**
 * conv and SiLU on x, projection to step size, B and C (normalised with `innerNorms`), selective scan, gate silu(z).
 * Shapes: x, z [B, T, I], slices of the fused projection; returns [B, T, I] (or `into`).
 */
function scanned(
  tape: Tape,
  { x, z }: { x: Tensor; z: Tensor },
  { config, layer, parameters, mixing, into }: LayerContext & { into?: Tensor },
): Tensor {
  const [B, T, I] = dimsOf(x, 3);
  const udt = withRows(tape.tensor("u and dt", [B, T, 2, I]), 2);
  const convolution = { x, w: parameters("conv.w"), bias: parameters("conv.b") };
  const u = mixing.convolve(convolution, { layer, into: sliceColumns(udt, 0, [I]), of: "conv" });
  const selected = linear(tape, { x: u, w: parameters("x_proj") }, { name: "dt, B and C", exact: true });
  const { dt, bc } = selection(tape, selected, { config, parameters });
  // The step size goes through an exponential at every position, and B and C select with it: these products stay f32.
  linear(tape, { x: dt, w: parameters("dt_proj.w") }, { into: sliceColumns(udt, I, [I]), exact: true });
  const weights = { aLog: parameters("a_log"), skip: parameters("d"), dtBias: parameters("dt_proj.b") };
  return mixing.scan({ udt, bc, z, ...weights }, { layer, into });
}

/**
 * Step size, B and C for the scan, normalised with `innerNorms`.
 * Shapes: selected [B, T, R + 2N]; returns dt [B, T, R] before its projection and bc [B, T, 2, N].
 */
function selection(
  tape: Tape,
  selected: Tensor,
  { config, parameters }: Pick<LayerContext, "config" | "parameters">,
): { dt: Tensor; bc: Tensor } {
  const [B, T] = dimsOf(selected, 3), { dtRank: R, stateSize: N, normEps: eps } = config;
  const plain = { dt: sliceColumns(selected, 0, [R]), bc: sliceColumns(selected, R, [2, N]) };
  if (!config.innerNorms) return plain;
  const bc = withRows(tape.tensor("B and C", [B, T, 2, N]), 2);
  const { y: dt } = rmsnorm(tape, { x: plain.dt, w: parameters("dt_norm") }, { eps });
  for (const [i, name] of ["b_norm", "c_norm"].entries()) {
    const x = sliceColumns(selected, R + i * N, [N]), into = sliceColumns(bc, i * N, [N]);
    rmsnorm(tape, { x, w: parameters(name) }, { eps, into });
  }
  return { dt, bc };
}
