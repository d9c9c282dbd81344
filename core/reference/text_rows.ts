/** Cutting the meta tokens off, in float64. */
import { need, type Reference } from "./types.ts";

/** Reads x [B, M + T, D]; makes y [B, T, D]. */
export const textRowsForward: Reference = (reads, { B, T, M, D }) => {
  const x = need(reads, "x"), S = M! + T!, y = new Float64Array(B! * T! * D!);
  for (let b = 0; b < B!; b++) y.set(x.subarray((b * S + M!) * D!, (b + 1) * S * D!), b * T! * D!);
  return { y };
};

/** Reads dy [B, T, D]; makes dx [B, M + T, D], zero in the first M rows. */
export const textRowsBackward: Reference = (reads, { B, T, M, D }) => {
  const dy = need(reads, "dy"), S = M! + T!, dx = new Float64Array(B! * S * D!);
  for (let b = 0; b < B!; b++) dx.set(dy.subarray(b * T! * D!, (b + 1) * T! * D!), (b * S + M!) * D!);
  return { dx };
};
