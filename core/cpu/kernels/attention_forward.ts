/**
 * o = softmax(q · kᵀ / √K + mask) · v with an online softmax: neither scores nor probabilities leave the workspace. One block takes
 * QUERIES queries of one head; tiles of keys that none of them sees are not visited. Source: Dao, "FlashAttention-2", 2023.
 */
import { exp2Constant, exp2Negative, exp2With } from "./lib/activations";
import { firstSeeing, isOpen, KEYS, lastSeeing, QUERIES, visible } from "./lib/mask";
import { packColumns, packRows, product, PRODUCT_SCRATCH, TILE_COLUMNS, TILE_ROWS } from "./lib/tile";
import { bytes, clear, load4, max4, store4, sum4 } from "./lib/vector";

const LOG2E: f64 = 1.4426950408889634;
/** The score of a key that is not seen, far below all others. */
export const HIDDEN: f32 = -1e30;

@unmanaged
class AttentionForward {
  q: usize;
  k: usize;
  v: usize;
  o: usize;
  /** [B, T, H]. */
  lse: usize;
  strideQ: i32;
  strideK: i32;
  strideV: i32;
  strideO: i32;
  T: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
}

/** Replaces the scores of a row by exp2(score − shift) and returns their sum. `open`: the query sees all keys; else unseen ones are HIDDEN. */
export function exponentials(scores: usize, keys: i32, scale: v128, shift: v128, open: bool): f32 {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  let sums = f32x4.splat(0);
  const end = scores + bytes(keys);
  if (open) {
    for (; scores < end; scores += 16) {
      const x = f32x4.sub(f32x4.mul(v128.load(scores), scale), shift);
      const p = exp2With(x, c6, c5, c4, c3, c2, c1, c0, magic, lowest);
      v128.store(scores, p);
      sums = f32x4.add(sums, p);
    }
    return sum4(sums);
  }
  for (; scores < end; scores += 16) {
    const score = v128.load(scores), seen = f32x4.ne(score, f32x4.splat(HIDDEN));
    const p = v128.and(exp2With(f32x4.sub(score, shift), c6, c5, c4, c3, c2, c1, c0, magic, lowest), seen);
    v128.store(scores, p);
    sums = f32x4.add(sums, p);
  }
  return sum4(sums);
}

/** The highest score of a row whose keys are all seen, times `scale`. */
function highestOpen(scores: usize, keys: i32, scale: v128): f32 {
  let most = v128.load(scores);
  for (let j = 4; j < keys; j += 4) most = f32x4.pmax(most, v128.load(scores + bytes(j)));
  return max4(f32x4.mul(most, scale));
}

/** Scales the scores of one row, hides those of keys that query q does not see, and returns the highest. */
function hide(scores: usize, keys: i32, q: i32, key: i32, args: AttentionForward, scale: v128): f32 {
  const window = args.window, meta = args.meta, hidden = f32x4.splat(HIDDEN);
  let most = hidden;
  for (let j = 0; j < keys; j += 4) {
    const at = scores + bytes(j), seen = visible(q, key + j, window, meta);
    const score = v128.bitselect(f32x4.mul(v128.load(at), scale), hidden, seen);
    v128.store(at, score);
    most = f32x4.pmax(most, score);
  }
  return max4(most);
}

/** Replaces the scores of one row by exponentials, updates the row's maximum and sum, and rescales its earlier sums. */
function softenRow(
  scores: usize,
  keys: i32,
  q: i32,
  key: i32,
  args: AttentionForward,
  highest: usize,
  o: usize,
  scale: v128,
  open: bool,
): void {
  const most = open ? highestOpen(scores, keys, scale) : hide(scores, keys, q, key, args, scale);
  const before = load<f32>(highest), now = max<f32>(before, most);
  const total = exponentials(scores, keys, scale, f32x4.splat(now), open);
  const kept = exp2Negative(f32x4.splat(before - now));
  store<f32>(highest, now);
  store<f32>(highest, load<f32>(highest, 4) * f32x4.extract_lane(kept, 0) + total, 4);
  if (before === now || before === HIDDEN) return;
  for (let c = 0; c < args.Kv; c += 4) {
    const at = o + bytes(c), left = args.Kv - c;
    store4(at, f32x4.mul(load4(at, left), kept), left);
  }
}

/** Divides by the sums and writes o and the natural log of each row's sum of exponentials. */
function finish(args: AttentionForward, row: i32, h: i32, rows: i32, o: usize, highest: usize): void {
  for (let i = 0; i < rows; i++) {
    const from = o + bytes(i * args.Kv), to = args.o + bytes((row + i) * args.strideO + h * args.Kv);
    const total = load<f32>(highest + bytes(2 * i), 4), scale = f32x4.splat(1 / total);
    for (let c = 0; c < args.Kv; c += 4) {
      const at = bytes(c), left = args.Kv - c;
      store4(to + at, f32x4.mul(load4(from + at, left), scale), left);
    }
    const lse = <f64> load<f32>(highest + bytes(2 * i)) / LOG2E + Math.log(<f64> total);
    store<f32>(args.lse + bytes((row + i) * args.H + h), <f32> lse);
  }
}

/** Workspace: a tile, packed q, k and v, scores and packed probabilities, o, and highest score and sum of each row. */
export function attention_forward(args: AttentionForward, block: i32, workspace: usize): void {
  const T = args.T, H = args.H, K = args.K, Kv = args.Kv, tiles = (T + QUERIES - 1) / QUERIES;
  const h = (block / tiles) % H, b = block / (tiles * H), g = h / (H / args.G);
  const q = (block % tiles) * QUERIES, rows = min(QUERIES, T - q);
  const window = args.window, meta = args.meta;
  const wide = (Kv + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  const packedQ = workspace + bytes(PRODUCT_SCRATCH), packedK = packedQ + bytes(QUERIES * K);
  const packedV = packedK + bytes(KEYS * K), scores = packedV + bytes(KEYS * wide);
  const packedP = scores + bytes(QUERIES * KEYS), o = packedP + bytes(QUERIES * KEYS);
  const highest = o + bytes(QUERIES * Kv), scale = f32x4.splat(<f32> (LOG2E / Math.sqrt(<f64> K)));
  packRows(args.q + bytes((b * T + q) * args.strideQ + h * K), args.strideQ, true, rows, K, packedQ);
  clear(o, QUERIES * Kv);
  for (let i = 0; i < rows; i++) {
    store<f32>(highest + bytes(2 * i), HIDDEN);
    store<f32>(highest + bytes(2 * i), 0, 4);
  }
  for (let key = 0; key < T; key += KEYS) {
    const keys = min(KEYS, T - key);
    const from = firstSeeing(q, key, TILE_ROWS), until = lastSeeing(q, rows, key, keys, window, meta);
    if (from >= until) continue;
    const open = isOpen(q + from, until - from, key, keys, window, meta), some = until - from;
    const fromK = args.k + bytes((b * T + key) * args.strideK + g * K);
    packColumns(fromK, args.strideK, true, keys, K, packedK);
    product(packedQ + bytes(from * K), K, packedK, K, some, keys, K, scores, KEYS, false, workspace);
    for (let i = 0; i < some; i++) {
      const row = from + i, running = highest + bytes(2 * row);
      softenRow(scores + bytes(i * KEYS), keys, q + row, key, args, running, o + bytes(row * Kv), scale, open);
    }
    packRows(scores, KEYS, true, some, keys, packedP);
    const fromV = args.v + bytes((b * T + key) * args.strideV + g * Kv);
    packColumns(fromV, args.strideV, false, Kv, keys, packedV);
    product(packedP, keys, packedV, keys, some, Kv, keys, o + bytes(from * Kv), Kv, true, workspace);
  }
  finish(args, b * T + q, h, rows, o, highest);
}
