/** Token embedding with meta tokens in front in float64, as plain loops. */
import { need, type Reference } from "./types.ts";

/** Reads ids [B, T], table [V, D], meta [M, D] or nothing; makes x [B, M + T, D]. */
export const embeddingForward: Reference = (reads, { B, T, M, D }) => {
  const ids = need(reads, "ids"), table = need(reads, "table"), S = M! + T!, x = new Float64Array(B! * S * D!);
  for (let b = 0; b < B!; b++) {
    for (let s = 0; s < S; s++) {
      const from = s < M! ? need(reads, "meta") : table, row = s < M! ? s : ids[b * T! + s - M!]!;
      x.set(from.subarray(row * D!, (row + 1) * D!), (b * S + s) * D!);
    }
  }
  return { x };
};

/** Reads ids [B, T] and dx [B, M + T, D]; makes dtable [V, D] and dmeta [M, D]. Rows that no id names are zero. */
export const embeddingBackward: Reference = (reads, { B, T, M, V, D }) => {
  const ids = need(reads, "ids"), dx = need(reads, "dx"), S = M! + T!;
  const dtable = new Float64Array(V! * D!), dmeta = new Float64Array(M! * D!);
  for (let b = 0; b < B!; b++) {
    for (let s = 0; s < S; s++) {
      const to = s < M! ? dmeta : dtable, row = s < M! ? s : ids[b * T! + s - M!]!;
      for (let d = 0; d < D!; d++) to[row * D! + d]! += dx[(b * S + s) * D! + d]!;
    }
  }
  return { dtable, dmeta };
};
