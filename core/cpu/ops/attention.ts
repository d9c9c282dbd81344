import type { AttributesNamed } from "../../ops/registry.ts";
import { type Lowering, stridesOf } from "../launch.ts";

/** Rows that are worked on together (kernels/lib/mask.ts), and the register tile (kernels/lib/tile.ts). */
const QUERIES = 48, KEYS = 24, TILE = 48, TILE_ROWS = 6, TILE_COLUMNS = 8;
/** Global attention is a window that no sequence reaches. */
const GLOBAL = 2 ** 30;

const padded = (n: number, to: number) => Math.ceil(n / to) * to;

function sizesOf({ T, H, G, K, Kv, window, meta }: AttributesNamed<"attention_forward">) {
  return { T, H, G, K, Kv, window: window || GLOBAL, meta };
}

export const attentionForward: Lowering<"attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
) => {
  const sizes = sizesOf(attributes), { T, H, K, Kv } = sizes;
  return [{
    kernel: "attention_forward",
    args: { q, k, v, o, lse, ...stridesOf({ q, k, v, o }), ...sizes },
    blocks: attributes.B * H * Math.ceil(T / QUERIES),
    workspace: TILE + (QUERIES + KEYS) * K + KEYS * padded(Kv, TILE_COLUMNS) + 2 * QUERIES * KEYS + QUERIES * (Kv + 2),
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
