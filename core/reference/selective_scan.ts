/**
 * The selective scan in float64, as plain loops over time that keep every state.
 * Source: Gu and Dao, "Mamba", 2023, algorithm 2 with a zero-order hold for A and Euler's rule for B.
 */
import { sigmoid, silu, siluDerivative, softplus } from "./activations.ts";
import { type Arrays, need, type Reference, type Sizes } from "./types.ts";

/** One channel of one batch row over all positions: what both passes need. */
interface Channel {
  /** Step sizes and inputs [T]. */
  dt: Float64Array;
  u: Float64Array;
  /** A [N], negative. */
  a: Float64Array;
  /** States [T + 1, N]: entry t is the state before position t. */
  h: Float64Array;
  /** Output before the gate [T]. */
  ungated: Float64Array;
}

/** The state before the first position. The backward pass finds it as entry 0 of the saved states. */
function firstState(reads: Arrays, { T, I, N, chunk }: Sizes, { b, i }: { b: number; i: number }): Float64Array {
  const row = reads.states ? b * (Math.ceil(T! / chunk!) + 1) : b, from = reads.states ?? reads.h0;
  return from ? from.slice((row * I! + i) * N!, (row * I! + i + 1) * N!) : new Float64Array(N!);
}

function scanChannel(reads: Arrays, sizes: Sizes, { b, i }: { b: number; i: number }): Channel {
  const T = sizes.T!, I = sizes.I!, N = sizes.N!, udt = need(reads, "udt"), bc = need(reads, "bc");
  const bias = reads.dtBias?.[i] ?? 0, skip = reads.skip?.[i] ?? 0;
  const a = need(reads, "aLog").slice(i * N, (i + 1) * N).map((x) => -Math.exp(x));
  const dt = new Float64Array(T), u = new Float64Array(T), ungated = new Float64Array(T);
  const h = new Float64Array((T + 1) * N);
  h.set(firstState(reads, sizes, { b, i }));
  for (let t = 0; t < T; t++) {
    const row = b * T + t, raw = udt[(row * 2 + 1) * I + i]! + bias;
    u[t] = udt[row * 2 * I + i]!;
    dt[t] = sizes.softplus ? softplus(raw) : raw;
    ungated[t] = skip * u[t]!;
    for (let n = 0; n < N; n++) {
      const next = Math.exp(dt[t]! * a[n]!) * h[t * N + n]! + dt[t]! * u[t]! * bc[row * 2 * N + n]!;
      h[(t + 1) * N + n] = next;
      ungated[t]! += bc[(row * 2 + 1) * N + n]! * next;
    }
  }
  return { dt, u, a, h, ungated };
}

/**
 * Reads udt [B, T, 2, I], bc [B, T, 2, N], aLog [I, N], z [B, T, I], skip, dtBias [I] and h0 [B, I, N] or nothing;
 * makes y [B, T, I] and states [B, chunks + 1, I, N].
 */
export const selectiveScanForward: Reference = (reads, sizes) => {
  const B = sizes.B!, T = sizes.T!, I = sizes.I!, N = sizes.N!, chunk = sizes.chunk!, chunks = Math.ceil(T / chunk);
  const y = new Float64Array(B * T * I), states = new Float64Array(B * (chunks + 1) * I * N);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      const { h, ungated } = scanChannel(reads, sizes, { b, i });
      for (let t = 0; t < T; t++) {
        const at = (b * T + t) * I + i;
        y[at] = ungated[t]! * (reads.z ? silu(reads.z[at]!) : 1);
      }
      for (let c = 0; c <= chunks; c++) {
        const t = Math.min(c * chunk, T);
        states.set(h.subarray(t * N, (t + 1) * N), ((b * (chunks + 1) + c) * I + i) * N);
      }
    }
  }
  return { y, states };
};

/**
 * Reads dy [B, T, I], the inputs of the forward pass and its states; makes dudt, dbc, dz, daLog, dskip, ddtBias and dh0 in
 * the shapes of what they are the gradients of. With g the gradient of a state, walked from the last position to the first:
 * g[t] = dy[t]·C[t] + exp(dt[t+1]·A)·g[t+1].
 */
export const selectiveScanBackward: Reference = (reads, sizes) => {
  const B = sizes.B!, T = sizes.T!, I = sizes.I!, N = sizes.N!, dy = need(reads, "dy");
  const udt = need(reads, "udt"), bc = need(reads, "bc");
  const out = {
    dudt: new Float64Array(B * T * 2 * I),
    dbc: new Float64Array(B * T * 2 * N),
    dz: new Float64Array(B * T * I),
    daLog: new Float64Array(I * N),
    dskip: new Float64Array(I),
    ddtBias: new Float64Array(I),
    dh0: new Float64Array(B * I * N),
  };
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      const { dt, u, a, h, ungated } = scanChannel(reads, sizes, { b, i }), skip = reads.skip?.[i] ?? 0;
      const g = out.dh0.subarray((b * I + i) * N, (b * I + i + 1) * N);
      for (let t = T - 1; t >= 0; t--) {
        const row = b * T + t, z = reads.z?.[row * I + i];
        const dUngated = dy[row * I + i]! * (z === undefined ? 1 : silu(z));
        if (z !== undefined) out.dz[row * I + i] = dy[row * I + i]! * ungated[t]! * siluDerivative(z);
        let gB = 0, dDt = 0;
        for (let n = 0; n < N; n++) {
          const atB = row * 2 * N + n, atC = atB + N, decay = Math.exp(dt[t]! * a[n]!), carried = decay * h[t * N + n]!;
          out.dbc[atC]! += dUngated * h[(t + 1) * N + n]!;
          g[n]! += dUngated * bc[atC]!;
          out.dbc[atB]! += g[n]! * dt[t]! * u[t]!;
          gB += g[n]! * bc[atB]!;
          dDt += g[n]! * a[n]! * carried;
          out.daLog[i * N + n]! += g[n]! * dt[t]! * carried * a[n]!;
          g[n]! *= decay;
        }
        const raw = udt[(row * 2 + 1) * I + i]! + (reads.dtBias?.[i] ?? 0);
        const dRaw = (dDt + u[t]! * gB) * (sizes.softplus ? sigmoid(raw) : 1);
        out.dudt[row * 2 * I + i] = skip * dUngated + dt[t]! * gB;
        out.dudt[(row * 2 + 1) * I + i] = dRaw;
        out.dskip[i]! += dUngated * u[t]!;
        out.ddtBias[i]! += dRaw;
      }
    }
  }
  return out;
};
