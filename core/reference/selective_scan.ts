/**
 * The selective scan in float64, one channel after the other. Every state is kept.
 * Source: Gu and Dao, "Mamba", 2023, eq. 2a, 2b and algorithm 2, with a zero-order hold for A and Euler's rule for B.
 */
import { sigmoid, silu, siluDerivative, softplus } from "./activations.ts";
import { type Row64, zeros, zerosLike } from "./typed_array.ts";
import type { ReadsNamed, Reference, WritesNamed } from "./types.ts";

/** Channel i of batch row b, over T positions and N states. `start` [N] is the state before the first position; zero when it is missing. */
interface Channel {
  readonly b: number;
  readonly i: number;
  readonly T: number;
  readonly N: number;
  readonly softplus: number;
  readonly start: Row64 | undefined;
}

/**
 * dt = softplus(raw + dtBias), A = −exp(aLog), h[t + 1] = exp(dt[t] · A) · h[t] + dt[t] · u[t] · B[t],
 * ungated[t] = C[t] · h[t + 1] + skip · u[t]. h[t] is the state before position t.
 * Shapes: A [N], dt [T], h [T + 1, N], ungated [T].
 */
function scanChannel(
  { udt, bc, aLog, skip, dtBias }: Omit<ReadsNamed<"selective_scan_forward">, "z" | "h0">,
  { b, i, T, N, softplus: smooth, start }: Channel,
) {
  const A = zeros(N).row(0), dt = zeros(T), h = zeros(T + 1, N), ungated = zeros(T);
  for (let n = 0; n < N; n++) A.set(-Math.exp(aLog.at(i, n)), n);
  if (start) h.row(0).copyFrom(start);
  for (let t = 0; t < T; t++) {
    const u = udt.at(b, t, 0, i), raw = udt.at(b, t, 1, i) + (dtBias?.at(i) ?? 0), step = smooth ? softplus(raw) : raw;
    const before = h.row(t), after = h.row(t + 1), B = bc.row(b, t, 0), C = bc.row(b, t, 1);
    for (let n = 0; n < N; n++) after.set(Math.exp(step * A.at(n)) * before.at(n) + step * u * B.at(n), n);
    let sum = (skip?.at(i) ?? 0) * u;
    for (let n = 0; n < N; n++) sum += C.at(n) * after.at(n);
    dt.set(step, t);
    ungated.set(sum, t);
  }
  return { A, dt, h, ungated };
}

/** y = ungated · silu(z). Entry c of `states` is the state before position c · chunk. The last entry is the state after the last position. */
export const selectiveScanForward: Reference<"selective_scan_forward"> = (reads, attributes) => {
  const { z, h0 } = reads, { B, T, I, N, chunk, chunks } = attributes;
  const y = zeros(B, T, I), states = zeros(B, chunks + 1, I, N);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) {
      const { h, ungated } = scanChannel(reads, { ...attributes, b, i, start: h0?.row(b, i) });
      for (let t = 0; t < T; t++) y.set(ungated.at(t) * (z ? silu(z.at(b, t, i)) : 1), b, t, i);
      for (let c = 0; c <= chunks; c++) states.row(b, c, i).copyFrom(h.row(Math.min(c * chunk, T)));
    }
  }
  return { y, states };
};

/**
 * Goes through one channel from the last position to the first and adds to the gradients `out`. g is the gradient of the state:
 * g[t] = dUngated[t] · C[t] + exp(dt[t + 1] · A) · g[t + 1]. It is kept in dh0, because it ends as the gradient of the first state.
 */
function channelBackward(
  reads: ReadsNamed<"selective_scan_backward">,
  { out, ...channel }: Omit<Channel, "start"> & { out: WritesNamed<"selective_scan_backward"> },
): void {
  const { dy, udt, bc, z, skip, dtBias, states } = reads, { b, i, T, N } = channel;
  const { A, dt, h, ungated } = scanChannel(reads, { ...channel, start: states.row(b, 0, i) });
  const g = out.dh0.row(b, i), daLog = out.daLog.row(i);
  let after = h.row(T);
  for (let t = T - 1; t >= 0; t--) {
    const u = udt.at(b, t, 0, i), raw = udt.at(b, t, 1, i) + (dtBias?.at(i) ?? 0), step = dt.at(t);
    const dyt = dy.at(b, t, i), gate = z?.at(b, t, i), dUngated = gate === undefined ? dyt : dyt * silu(gate);
    if (gate !== undefined) out.dz.set(dyt * ungated.at(t) * siluDerivative(gate), b, t, i);
    const before = h.row(t), B = bc.row(b, t, 0), C = bc.row(b, t, 1);
    const dB = out.dbc.row(b, t, 0), dC = out.dbc.row(b, t, 1);
    let gB = 0, dStep = 0;
    for (let n = 0; n < N; n++) {
      const a = A.at(n), decay = Math.exp(step * a), carried = decay * before.at(n);
      const gn = g.at(n) + dUngated * C.at(n);
      dB.add(gn * step * u, n);
      dC.add(dUngated * after.at(n), n);
      gB += gn * B.at(n);
      dStep += gn * a * carried;
      daLog.add(gn * step * carried * a, n);
      g.set(gn * decay, n);
    }
    const dRaw = (dStep + u * gB) * (channel.softplus ? sigmoid(raw) : 1);
    out.dudt.set((skip?.at(i) ?? 0) * dUngated + step * gB, b, t, 0, i);
    out.dudt.set(dRaw, b, t, 1, i);
    out.dskip.add(dUngated * u, i);
    out.ddtBias.add(dRaw, i);
    after = before;
  }
}

/** The gradients of everything that the forward pass read, each in the shape of its tensor. */
export const selectiveScanBackward: Reference<"selective_scan_backward"> = (reads, attributes) => {
  const { dy, udt, bc, aLog } = reads, { B, I, N } = attributes;
  const out = {
    dudt: zerosLike(udt),
    dbc: zerosLike(bc),
    dz: zerosLike(dy),
    daLog: zerosLike(aLog),
    dskip: zeros(I),
    ddtBias: zeros(I),
    dh0: zeros(B, I, N),
  };
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < I; i++) channelBackward(reads, { ...attributes, b, i, out });
  }
  return out;
};
