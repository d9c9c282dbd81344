/**
 * Attention of T positions of each sequence over what its cache holds and over the chunk's own keys, with an online softmax as in
 * attention_forward.ts; and writing a chunk into the cache. One block of attention takes QUERIES queries of one head.
 */
import { exponentials, HIDDEN } from "./attention_forward";
import { exp2Negative } from "./lib/activations";
import { KEYS, QUERIES } from "./lib/mask";
import { packColumns, packRows, product, PRODUCT_SCRATCH, TILE_COLUMNS } from "./lib/tile";
import { bytes, clear, copy, load4, max4, store4 } from "./lib/vector";

const LOG2E: f64 = 1.4426950408889634;
/** A window that no sequence reaches: global attention. */
const EVERYTHING: i32 = 1 << 30;
/** The position of a key that does not exist: behind every query. */
const NOWHERE: i32 = i32.MAX_VALUE;

@unmanaged
class AttentionChunk {
  /** [B, T, ·]. */
  q: usize;
  k: usize;
  v: usize;
  /** [B, S, G, K], [B, S, G, Kv]. */
  kCache: usize;
  vCache: usize;
  /** [B] u32: the position of t = 0. */
  start: usize;
  o: usize;
  strideQ: i32;
  strideK: i32;
  strideV: i32;
  strideO: i32;
  T: i32;
  S: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  /** 0: global. */
  window: i32;
  meta: i32;
}

/** Where the parts of the workspace begin. `key` [KEYS] i32: the positions of a tile's keys. */
@unmanaged
class Places {
  q: usize;
  k: usize;
  v: usize;
  scores: usize;
  p: usize;
  o: usize;
  running: usize;
  key: usize;
}

/** The position whose key is in a slot, where the cache has the positions below `start`. */
function positionIn(slot: i32, start: i32, window: i32, meta: i32): i32 {
  if (window === 0 || slot < meta) return slot;
  const last = start - 1 - meta;
  return meta + last - (last - (slot - meta)) % window;
}

/** Hides the scores of keys that the query at `position` does not see, scales the others, and returns the highest. */
function hide(args: AttentionChunk, scores: usize, position: i32, keys: i32, key: usize, scale: v128): f32 {
  const hidden = f32x4.splat(HIDDEN), from = position - (args.window === 0 ? EVERYTHING : args.window);
  let most = hidden;
  for (let j = 0; j < keys; j += 4) {
    const at = scores + bytes(j), p = v128.load(key + bytes(j));
    const near = v128.or(i32x4.gt_s(p, i32x4.splat(from)), i32x4.lt_s(p, i32x4.splat(args.meta)));
    const seen = v128.and(i32x4.le_s(p, i32x4.splat(position)), near);
    const score = v128.bitselect(f32x4.mul(v128.load(at), scale), hidden, seen);
    v128.store(at, score);
    most = f32x4.pmax(most, score);
  }
  return max4(most);
}

/** Turns the scores of one row into exponentials, moves its maximum and sum on, and scales what was summed before. */
function softenRow(args: AttentionChunk, p: Places, i: i32, position: i32, keys: i32, scale: v128): void {
  const scores = p.scores + bytes(i * KEYS), running = p.running + bytes(2 * i), o = p.o + bytes(i * args.Kv);
  const before = load<f32>(running), now = max<f32>(before, hide(args, scores, position, keys, p.key, scale));
  const total = exponentials(scores, keys, scale, f32x4.splat(now), false);
  const kept = exp2Negative(f32x4.splat(before - now));
  store<f32>(running, now);
  store<f32>(running, load<f32>(running, 4) * f32x4.extract_lane(kept, 0) + total, 4);
  if (before === now || before === HIDDEN) return;
  for (let c = 0; c < args.Kv; c += 4) {
    const at = o + bytes(c), left = args.Kv - c;
    store4(at, f32x4.mul(load4(at, left), kept), left);
  }
}

/** One tile of keys, whose positions are in `p.key`: rows of k and v from these addresses on. Queries start at `position`. */
function visit(
  args: AttentionChunk,
  p: Places,
  rows: i32,
  position: i32,
  keys: i32,
  k: usize,
  strideK: i32,
  v: usize,
  strideV: i32,
  workspace: usize,
): void {
  const K = args.K, Kv = args.Kv, scale = f32x4.splat(<f32> (LOG2E / Math.sqrt(<f64> K)));
  for (let j = keys; j < KEYS; j++) store<i32>(p.key + bytes(j), NOWHERE);
  packColumns(k, strideK, true, keys, K, p.k);
  product(p.q, K, p.k, K, rows, keys, K, p.scores, KEYS, false, workspace);
  for (let i = 0; i < rows; i++) softenRow(args, p, i, position + i, keys, scale);
  packRows(p.scores, KEYS, true, rows, keys, p.p);
  packColumns(v, strideV, false, Kv, keys, p.v);
  product(p.p, keys, p.v, keys, rows, Kv, keys, p.o, Kv, true, workspace);
}

/** Tiles of the cache that some query sees; queries start at `position`. */
function visitCache(args: AttentionChunk, p: Places, b: i32, g: i32, rows: i32, position: i32, workspace: usize): void {
  const G = args.G, K = args.K, Kv = args.Kv, window = args.window, meta = args.meta;
  const start = load<i32>(args.start + bytes(b));
  const filled = min(args.S, window === 0 ? start : min(start, meta + window));
  for (let s = 0; s < filled; s += KEYS) {
    const keys = min(KEYS, filled - s);
    let any = false;
    for (let j = 0; j < keys; j++) {
      const key = positionIn(s + j, start, window, meta);
      store<i32>(p.key + bytes(j), key);
      any = any || window === 0 || key < meta || position - key < window;
    }
    if (!any) continue;
    const row = b * args.S + s, k = args.kCache + bytes((row * G + g) * K), v = args.vCache + bytes((row * G + g) * Kv);
    visit(args, p, rows, position, keys, k, G * K, v, G * Kv, workspace);
  }
}

/** Workspace: a tile, packed q, k and v, scores and packed probabilities, o, highest score and sum of each row, positions of keys. */
export function attention_chunk(args: AttentionChunk, block: i32, workspace: usize): void {
  const T = args.T, H = args.H, K = args.K, Kv = args.Kv, tiles = (T + QUERIES - 1) / QUERIES;
  const h = (block / tiles) % H, b = block / (tiles * H), g = h / (H / args.G);
  const q = (block % tiles) * QUERIES, rows = min(QUERIES, T - q), wide = (Kv + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  const p = changetype<Places>(workspace + bytes(PRODUCT_SCRATCH)), start = load<i32>(args.start + bytes(b));
  p.q = workspace + bytes(PRODUCT_SCRATCH) + 32;
  p.k = p.q + bytes(QUERIES * K);
  p.v = p.k + bytes(KEYS * K);
  p.scores = p.v + bytes(KEYS * wide);
  p.p = p.scores + bytes(QUERIES * KEYS);
  p.o = p.p + bytes(QUERIES * KEYS);
  p.running = p.o + bytes(QUERIES * Kv);
  p.key = p.running + bytes(2 * QUERIES);
  packRows(args.q + bytes((b * T + q) * args.strideQ + h * K), args.strideQ, true, rows, K, p.q);
  clear(p.o, QUERIES * Kv);
  for (let i = 0; i < rows; i++) {
    store<f32>(p.running + bytes(2 * i), HIDDEN);
    store<f32>(p.running + bytes(2 * i), 0, 4);
  }
  visitCache(args, p, b, g, rows, start + q, workspace);
  for (let key = 0; key < q + rows; key += KEYS) {
    const keys = min(KEYS, T - key), row = b * T + key;
    if (args.window > 0 && key + keys - 1 + args.window <= q && start + key >= args.meta) continue;
    for (let j = 0; j < keys; j++) store<i32>(p.key + bytes(j), start + key + j);
    const k = args.k + bytes(row * args.strideK + g * K), v = args.v + bytes(row * args.strideV + g * Kv);
    visit(args, p, rows, start + q, keys, k, args.strideK, v, args.strideV, workspace);
  }
  for (let i = 0; i < rows; i++) {
    const from = p.o + bytes(i * Kv), to = args.o + bytes((b * T + q + i) * args.strideO + h * Kv);
    const norm = f32x4.splat(1 / load<f32>(p.running + bytes(2 * i), 4));
    for (let c = 0; c < Kv; c += 4) store4(to + bytes(c), f32x4.mul(load4(from + bytes(c), Kv - c), norm), Kv - c);
  }
}

@unmanaged
class CacheFill {
  k: usize;
  v: usize;
  /** [B] u32 each. */
  start: usize;
  count: usize;
  kCache: usize;
  vCache: usize;
  strideK: i32;
  strideV: i32;
  T: i32;
  S: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
}

/** One block takes one sequence. Of positions with one slot the last is written. */
export function cache_fill(args: CacheFill, b: i32, _workspace: usize): void {
  const start = load<i32>(args.start + bytes(b)), count = load<i32>(args.count + bytes(b));
  const meta = args.meta, window = args.window, K = args.G * args.K, Kv = args.G * args.Kv;
  for (let t = 0; t < count; t++) {
    const position = start + t, ring = window > 0 && position >= meta;
    if (ring && t + window < count) continue;
    const slot = ring ? meta + (position - meta) % window : position, row = b * args.S + slot, from = b * args.T + t;
    if (slot >= args.S) unreachable();
    copy(args.kCache + bytes(row * K), args.k + bytes(from * args.strideK), K);
    copy(args.vCache + bytes(row * Kv), args.v + bytes(from * args.strideV), Kv);
  }
}
