/** The selective scan of Mamba, with softplus, skip and gate inside. */
import { HymbaError } from "../errors.ts";
import { type Attributes, defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

const sizes = ["B", "T", "I", "N", "chunk", "chunks", "softplus"] as const;
const states = ({ B, T, I, N }: Attributes<"B" | "T" | "I" | "N">) => B * T * I * N;

export const selectiveScanForward = defineOp({
  name: "selective_scan_forward",
  phase: "forward",
  attributes: sizes,
  reads: {
    udt: "B T 2 I",
    bc: "B T 2 N",
    z: "B T I ?",
    aLog: "I N",
    skip: "I ?",
    dtBias: "I ?",
    h0: "B I N ?",
  },
  writes: { y: "B T I", states: "B chunks+1 I N" },
  flops: (attributes) => 8 * states(attributes),
  exponentials: states,
  exactWrites: ["states"],
  // u, dt, B, C and the gate.
  multipliedProducts: 5,
});

export const selectiveScanBackward = defineOp({
  name: "selective_scan_backward",
  phase: "backward",
  attributes: sizes,
  reads: {
    dy: "B T I",
    udt: "B T 2 I",
    bc: "B T 2 N",
    z: "B T I ?",
    aLog: "I N",
    skip: "I ?",
    dtBias: "I ?",
    states: "B chunks+1 I N",
  },
  writes: {
    dudt: "B T 2 I ?",
    dbc: "B T 2 N ?",
    dz: "B T I ?",
    daLog: "I N ?",
    dskip: "I ?",
    ddtBias: "I ?",
    dh0: "B I N ?",
  },
  flops: (attributes) => 24 * states(attributes),
  exponentials: states,
  packedReads: ["udt", "z"],
});

/** Positions between two saved states; inside a chunk the backward pass recomputes them. */
export const SCAN_CHUNK = 32;

export interface ScanInputs {
  /** [B, T, 2, I] with B·T rows: the convolved input u, then the raw step size, packed so that one binding carries both. */
  udt: Tensor;
  /** [B, T, 2, N] with B·T rows: B (input to state), then C (state to output). */
  bc: Tensor;
  /** [B, T, I], the gate before its SiLU; may be a slice. */
  z?: Tensor;
  /** [I, N]; A = −exp(aLog). */
  aLog: Tensor;
  /** [I], the skip D. */
  skip?: Tensor;
  /** [I], added to the raw step size before softplus. */
  dtBias?: Tensor;
  /** [B, I, N], the state before the first position; zero when absent. */
  h0?: Tensor;
}

/**
 * dt = softplus(raw + dtBias); h[t] = exp(dt·A) ∘ h[t−1] + dt·u[t]·B[t]; y[t] = (C[t]·h[t] + skip·u[t]) · silu(z[t]).
 * Returns y [B, T, I] (or `into`) and states [B, chunks + 1, I, N]: entry c is the state before position c · SCAN_CHUNK, the last is h_T.
 * `softplus: 0` takes raw + dtBias as dt. The gradient of h_T is taken as zero.
 * Source: Gu and Dao, "Mamba", 2023: zero-order hold for A, Euler for B.
 */
export function selectiveScan(
  tape: Tape,
  inputs: ScanInputs,
  { softplus = 1, into }: { softplus?: 0 | 1; into?: Tensor } = {},
): { y: Tensor; states: Tensor } {
  const { B, T, I, N } = checkedSizes(inputs), chunk = SCAN_CHUNK, chunks = Math.ceil(T / chunk);
  const y = into ?? tape.tensor("scanned", [B, T, I]);
  expectShape(y, [B, T, I], "selective_scan");
  const states = tape.tensor("states", [B, chunks + 1, I, N]);
  const attributes = { B, T, I, N, chunk, chunks, softplus };
  const { udt, bc, z, aLog, skip, dtBias, h0 } = inputs;
  tape.step(selectiveScanForward, {
    attributes,
    reads: { udt, bc, z, aLog, skip, dtBias, h0 },
    writes: { y, states },
  });
  tape.onBackward(() => {
    const dy = tape.gradient(y);
    if (!dy) return;
    const reads = { dy, udt, bc, z, aLog, skip, dtBias, states }, writes = gradientsOf(tape, inputs);
    tape.step(selectiveScanBackward, { attributes, reads, writes });
  });
  return { y, states };
}

/** The sizes of a scan. Throws a HymbaError for an input of another shape. */
function checkedSizes({ udt, bc, z, aLog, skip, dtBias, h0 }: ScanInputs) {
  const [B, T, , I] = dimsOf(udt, 4), [, N] = dimsOf(aLog, 2);
  expectShape(udt, [B, T, 2, I], "selective_scan");
  expectShape(bc, [B, T, 2, N], "selective_scan");
  expectShape(aLog, [I, N], "selective_scan");
  if (z) expectShape(z, [B, T, I], "selective_scan");
  for (const x of [skip, dtBias]) if (x) expectShape(x, [I], "selective_scan");
  if (h0) expectShape(h0, [B, I, N], "selective_scan");
  return { B, T, I, N };
}

/** Where the backward step writes the gradient of each input. */
function gradientsOf(tape: Tape, { udt, bc, z, aLog, skip, dtBias, h0 }: ScanInputs) {
  const target = (x: Tensor | undefined) => {
    const found = x && tape.target(x);
    if (found?.accumulate) {
      throw new HymbaError("selective_scan: an input has several uses; expected: one use of each");
    }
    return found?.tensor;
  };
  return {
    dudt: target(udt),
    dbc: target(bc),
    dz: target(z),
    daLog: target(aLog),
    dskip: target(skip),
    ddtBias: target(dtBias),
    dh0: target(h0),
  };
}
