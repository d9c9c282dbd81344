import { SCAN_CHUNK } from "../../ops/selective_scan.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { type Launch, type Lowering, stridesOf } from "../launch.ts";
import { halvesOf } from "./halves.ts";
import { sumPartials } from "./sum_partials.ts";

/** Channels of one block (kernels/lib/scan.ts). */
const CHANNELS = 32;
/** Elements that a position of four channels takes in the workspace. */
const RECORD = 32;

const padded = (N: number) => Math.ceil(N / 4) * 4;

export const selectiveScanForward: Lowering<"selective_scan_forward"> = (
  { attributes: { B, T, I, N, chunk, softplus }, reads, writes: { y, states } },
) => {
  const { udt, bc, z, aLog, skip, dtBias, h0 } = reads, P = padded(N);
  return [{
    kernel: "selective_scan_forward",
    args: {
      udt,
      bc,
      z,
      aLog,
      skip,
      dtBias,
      h0,
      count: 0,
      y,
      states,
      last: 0,
      ...stridesOf({ udt, bc, z, y }),
      T,
      I,
      N,
      chunk,
      softplus,
    },
    blocks: B * Math.ceil(I / CHANNELS),
    workspace: 2 * P * chunk + 2 * CHANNELS * P + RECORD * chunk,
  }];
};

export const scanChunk: Lowering<"scan_chunk"> = (
  { attributes: { B, T, I, N, softplus }, reads, writes: { y, state } },
) => {
  const { udt, bc, z, aLog, skip, dtBias, count } = reads, P = padded(N), chunk = Math.min(T, SCAN_CHUNK);
  const states = { h0: state, count, y, states: 0, last: state };
  return [{
    kernel: "selective_scan_forward",
    args: { udt, bc, z, aLog, skip, dtBias, ...states, ...stridesOf({ udt, bc, z, y }), T, I, N, chunk, softplus },
    blocks: B * Math.ceil(I / CHANNELS),
    workspace: 2 * P * chunk + 2 * CHANNELS * P + RECORD * chunk,
  }];
};

export const selectiveScanBackward: Lowering<"selective_scan_backward"> = (
  { attributes: { B, T, I, N, chunk, softplus }, reads, writes, accumulate },
  { scratch },
) => {
  const { dy, udt, bc, z, aLog, skip, dtBias, states } = reads, P = padded(N), groups = Math.ceil(I / CHANNELS);
  const { dudt = scratch("dudt", [B * T, 2 * I]), dbc, dz, daLog, dskip, ddtBias, dh0 } = writes;
  const partialBc = scratch("dbc", [groups, B, T, 2, N]), partialA = scratch("daLog", [B, I, N]);
  const partialSkip = dskip && scratch("dskip", [B, I]), partialBias = ddtBias && scratch("ddtBias", [B, I]);
  const gradients = { dudt, partialBc, dz, partialA, partialSkip, partialBias, dh0 };
  const strides = stridesOf({ dy, udt, bc, z, dudt, dz }), sizes = { B, T, I, N, chunk, softplus };
  const halves = { halvesUdt: halvesOf(udt), halvesZ: halvesOf(z) };
  const sums: [Tensor | undefined, Tensor | undefined, string][] = [
    [partialBc, dbc, "dbc"],
    [partialA, daLog, "daLog"],
    [partialSkip, dskip, "dskip"],
    [partialBias, ddtBias, "ddtBias"],
  ];
  return [
    {
      kernel: "selective_scan_backward",
      args: { dy, udt, bc, z, aLog, skip, dtBias, states, ...gradients, ...strides, ...sizes, ...halves },
      blocks: B * groups,
      workspace: 32 + 4 * P * chunk + 3 * CHANNELS * P + 2 * CHANNELS + 4 * (2 * chunk + 1) * P + RECORD * chunk,
    },
    ...sums.flatMap(([partial, out, role]): Launch[] =>
      partial && out ? [sumPartials(partial, out, { accumulate: accumulate.includes(role) })] : []
    ),
  ];
};
