import type { AttributesNamed } from "../../ops/registry.ts";
import { type Lowering, stridesOf } from "../launch.ts";

/** Queries that are worked on together (kernels/lib/mask.ts). */
export const QUERIES = 48;
/** Keys that are worked on together, and the register tile (kernels/lib/tile.ts). */
const KEYS = 24, TILE = 48, TILE_ROWS = 6, TILE_COLUMNS = 8;
/** Global attention is a window that no sequence reaches. */
const GLOBAL = 2 ** 30;

export const padded = (n: number, to: number) => Math.ceil(n / to) * to;

function sizesOf({ T, H, G, K, Kv, window, meta }: AttributesNamed<"attention_forward">) {
  return { T, H, G, K, Kv, window: window || GLOBAL, meta };
}

/** A tile, packed q, k and v, scores and packed probabilities, o, and highest score and sum of each row. */
const forwardWorkspace = ({ K, Kv }: { K: number; Kv: number }) =>
  TILE + (QUERIES + KEYS) * K + KEYS * padded(Kv, TILE_COLUMNS) + 2 * QUERIES * KEYS + QUERIES * (Kv + 2);

/** The same for a chunk (kernels/attention_chunk.ts): also eight places and the positions of a tile's keys. */
export const chunkWorkspace = (sizes: { K: number; Kv: number }): number => forwardWorkspace(sizes) + 8 + KEYS;

export const attentionForward: Lowering<"attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
) => {
  const sizes = sizesOf(attributes), { T, H, K, Kv } = sizes;
  return [{
    kernel: "attention_forward",
    args: { q, k, v, o, lse, ...stridesOf({ q, k, v, o }), ...sizes },
    blocks: attributes.B * H * Math.ceil(T / QUERIES),
    workspace: forwardWorkspace({ K, Kv }),
  }];
};

export const attentionBackward: Lowering<"attention_backward"> = (
  { attributes, reads: { q, k, v, o, lse, dO }, writes: { dq, dk, dv }, accumulate },
) => {
  const sizes = sizesOf(attributes), { T, G, K, Kv } = sizes, rows = padded(T, KEYS);
  const wideK = padded(K, TILE_COLUMNS), wideV = padded(Kv, TILE_COLUMNS);
  const strides = stridesOf({ q, k, v, o, do: dO, dq, dk, dv });
  return [{
    kernel: "attention_backward",
    args: { q, k, v, o, lse, dO, dq, dk, dv, ...strides, ...sizes, accumulate: accumulate.includes("dk") ? 1 : 0 },
    blocks: attributes.B * G,
    workspace: 32 + TILE + rows * (2 * K + 2 * Kv + wideK) + QUERIES * (2 * K + Kv + wideK + wideV + 2) +
      QUERIES * (3 * KEYS + TILE_ROWS),
  }];
};

/** Queries of one block of the map. */
const MAP_ROWS = 8;

export const attentionMap: Lowering<"attention_map"> = (
  { attributes: { T, H, G, K, window, meta }, reads: { q, k, lse }, writes: { p } },
) => [{
  kernel: "attention_map",
  args: { q, k, lse, p, ...stridesOf({ q, k }), T, H, G, K, window: window || GLOBAL, meta, rows: MAP_ROWS },
  blocks: Math.ceil(T / MAP_ROWS),
}];
