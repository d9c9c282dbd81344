/**
 * Causal attention with a sliding window and an always visible prefix, in float64, as plain loops.
 * Source of the backward formulas: Dao, "FlashAttention-2", 2023, algorithm 2.
 */
import { type Arrays, need, type Reference, type Sizes } from "./types.ts";

const isVisible = (q: number, k: number, { window, meta, crop = 0 }: Sizes) =>
  crop > 0
    ? k < meta! || (k >= meta! + crop && k - crop <= q && q - (k - crop) < window!)
    : k <= q && (window === 0 || q - k < window! || k < meta!);

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** to += factor · x */
function add(to: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < x.length; i++) to[i]! += factor * x[i]!;
}

/** The vectors of one query row (b, t, h) and of the keys of its head. */
function rowsOf({ B, T, H, G, K, Kv }: Sizes) {
  const perGroup = H! / G!;
  const queries = Array.from(
    { length: B! * T! * H! },
    (_, row) => ({ row, b: Math.floor(row / (T! * H!)), t: Math.floor(row / H!) % T!, h: row % H! }),
  );
  return {
    queries,
    keyRow: ({ b, h }: { b: number; h: number }, t: number) => (b * T! + t) * G! + Math.floor(h / perGroup),
    ofK: (x: Float64Array, row: number) => x.subarray(row * K!, (row + 1) * K!),
    ofV: (x: Float64Array, row: number) => x.subarray(row * Kv!, (row + 1) * Kv!),
  };
}

/** Reads q [B, T, H, K], k [B, T, G, K], v [B, T, G, Kv]; makes o [B, T, H, Kv] and lse [B, T, H]. */
export const attentionForward: Reference = (reads, sizes) => {
  const [q, k, v] = [need(reads, "q"), need(reads, "k"), need(reads, "v")];
  const { queries, keyRow, ofK, ofV } = rowsOf(sizes);
  const o = new Float64Array(queries.length * sizes.Kv!), lse = new Float64Array(queries.length);
  for (const query of queries) {
    const scores = new Map<number, number>();
    for (let key = 0; key < sizes.T!; key++) {
      if (isVisible(query.t, key, sizes)) {
        scores.set(key, dot(ofK(q, query.row), ofK(k, keyRow(query, key))) / Math.sqrt(sizes.K!));
      }
    }
    const highest = Math.max(...scores.values());
    let sum = 0;
    for (const score of scores.values()) sum += Math.exp(score - highest);
    lse[query.row] = highest + Math.log(sum);
    for (const [key, score] of scores) {
      const p = Math.exp(score - lse[query.row]!);
      add(ofV(o, query.row), ofV(v, keyRow(query, key)), p);
    }
  }
  return { o, lse };
};

/** Reads also o, lse and dO [B, T, H, Kv]; makes dq, dk, dv in the shapes of q, k, v. */
export const attentionBackward: Reference = (reads: Arrays, sizes) => {
  const [q, k, v, o, lse, dO] = ["q", "k", "v", "o", "lse", "dO"].map((role) => need(reads, role)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { queries, keyRow, ofK, ofV } = rowsOf(sizes);
  const scale = 1 / Math.sqrt(sizes.K!);
  const [dq, dk, dv] = [q, k, v].map(({ length }) => new Float64Array(length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const query of queries) {
    const qRow = ofK(q, query.row), dORow = ofV(dO, query.row), delta = dot(dORow, ofV(o, query.row));
    for (let key = 0; key < sizes.T!; key++) {
      if (!isVisible(query.t, key, sizes)) continue;
      const row = keyRow(query, key), kRow = ofK(k, row);
      const p = Math.exp(dot(qRow, kRow) * scale - lse[query.row]!);
      const ds = p * (dot(dORow, ofV(v, row)) - delta) * scale;
      add(ofK(dq, query.row), kRow, ds);
      add(ofK(dk, row), qRow, ds);
      add(ofV(dv, row), dORow, p);
    }
  }
  return { dq, dk, dv };
};

/** Reads q, k and lse; makes p [H, T, T], the probabilities of batch row 0, zero where a key is not visible. */
export const attentionMap: Reference = (reads, sizes) => {
  const [q, k, lse] = [need(reads, "q"), need(reads, "k"), need(reads, "lse")];
  const { T, H, K } = sizes as { T: number; H: number; K: number };
  const { queries, keyRow, ofK } = rowsOf({ ...sizes, B: 1, Kv: 1 });
  const p = new Float64Array(H * T * T);
  for (const query of queries) {
    for (let key = 0; key < T; key++) {
      if (!isVisible(query.t, key, sizes)) continue;
      const score = dot(ofK(q, query.row), ofK(k, keyRow(query, key))) / Math.sqrt(K);
      p[(query.h * T + query.t) * T + key] = Math.exp(score - lse[query.row]!);
    }
  }
  return { p };
};
