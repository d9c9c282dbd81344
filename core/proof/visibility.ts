/** Masks as plain functions, enumerated pair by pair. Tests compare the masks of the kernels with these. */
import { type Arm, layersOf } from "../config/mod.ts";

/** A mask over M meta positions, followed by T text positions. */
export interface Mask {
  readonly M: number;
  readonly T: number;
  /** Whether the query at position q sees the key at position k. Positions count from the first meta token. */
  sees(q: number, k: number): boolean;
}

/** Statistics of the T text queries of a mask. */
export interface VisibilityCounts {
  readonly queries: number;
  /** Queries that see a text key at or before their own position. */
  readonly seePast: number;
  /** Queries that see a text key after their own position. */
  readonly seeFuture: number;
  /** Queries that see the next token, which they have to predict. */
  readonly seeNext: number;
  /** The smallest number of keys of a query, including meta tokens. */
  readonly fewestKeys: number;
  /** The largest number of keys of a query, including meta tokens. */
  readonly mostKeys: number;
  /** Number of query–key pairs, including meta keys. */
  readonly pairs: number;
}

/** The mask of a layer: k ≤ q and (window = 0 or q − k < window or k < M), with window 0 for global attention. */
export const causalMask = ({ window, M, T }: { window: number; M: number; T: number }): Mask => ({
  M,
  T,
  sees: (q, k) => k <= q && (window === 0 || q - k < window || k < M),
});

/** The statistics of a mask, from all pairs of text queries and keys. */
export function visibilityOf({ M, T, sees }: Mask): VisibilityCounts {
  let seePast = 0, seeFuture = 0, seeNext = 0, fewestKeys = Infinity, mostKeys = 0, pairs = 0;
  for (let q = M; q < M + T; q++) {
    const seen = Array.from({ length: M + T }, (_, k) => k).filter((k) => sees(q, k));
    if (seen.some((k) => k >= M && k <= q)) seePast++;
    if (seen.some((k) => k > q)) seeFuture++;
    if (seen.includes(q + 1)) seeNext++;
    fewestKeys = Math.min(fewestKeys, seen.length);
    mostKeys = Math.max(mostKeys, seen.length);
    pairs += seen.length;
  }
  return { queries: T, seePast, seeFuture, seeNext, fewestKeys, mostKeys, pairs };
}

/** The mask of one kind of attention layer in a model. */
export interface LayerMask {
  readonly arm: string;
  readonly kind: "global" | "local";
  readonly layers: readonly number[];
  readonly window: number;
  readonly mask: Mask;
}

/** The masks of a model with T tokens of text: one for each kind of attention layer, none without attention. */
export function masksOf({ name, config }: Arm, T: number): LayerMask[] {
  const attention = layersOf(config).filter((layer) => layer.attention), M = config.metaTokens;
  return [...Map.groupBy(attention, ({ window }) => window)].map(([window, layers]) => ({
    arm: name,
    kind: window > 0 ? "local" : "global",
    layers: layers.map(({ index }) => index),
    window,
    mask: causalMask({ window, M, T }),
  }));
}
