/**
 * o = softmax(q · kᵀ / √K + mask) · v with an online softmax: neither scores nor probabilities leave the workspace. One block takes
 * QUERIES queries of one head; tiles of keys that none of them sees are not visited. Source: Dao, "FlashAttention-2", 2023.
 */
import { exp2Negative } from "./lib/activations";
import { isHidden, KEYS, QUERIES, visible } from "./lib/mask";
import { packColumns, packRows, product, PRODUCT_SCRATCH, TILE_COLUMNS, TILE_ROWS } from "./lib/tile";
import { bytes, clear, load4, max4, store4, sum4 } from "./lib/vector";

const LOG2E: f64 = 1.4426950408889634;

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
  /** 0 outside the leak experiment (lib/mask.ts). */
  crop: i32;
}

/** Turns the scores of one row into exponentials, moves the row's maximum and sum on, and scales what was summed before. */
function softenRow(
  scores: usize,
  keys: i32,
  q: i32,
  key: i32,
  args: AttentionForward,
  highest: usize,
  o: usize,
  scale: v128,
): void {
  const window = args.window, meta = args.meta, crop = args.crop, hidden = f32x4.splat(-1e30);
  let most = hidden;
  for (let j = 0; j < keys; j += 4) {
    const at = scores + bytes(j), seen = visible(q, key + j, window, meta, crop);
    const score = v128.bitselect(f32x4.mul(v128.load(at), scale), hidden, seen);
    v128.store(at, score);
    most = f32x4.max(most, score);
  }
  const before = load<f32>(highest), now = max<f32>(before, max4(most)), shift = f32x4.splat(now);
  let sums = f32x4.splat(0);
  for (let j = 0; j < keys; j += 4) {
    const at = scores + bytes(j), seen = visible(q, key + j, window, meta, crop);
    const p = v128.and(exp2Negative(f32x4.sub(v128.load(at), shift)), seen);
    v128.store(at, p);
    sums = f32x4.add(sums, p);
  }
  const kept = exp2Negative(f32x4.splat(before - now));
  store<f32>(highest, now);
  store<f32>(highest, load<f32>(highest, 4) * f32x4.extract_lane(kept, 0) + sum4(sums), 4);
  if (before === now) return;
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
  const wide = (Kv + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  const packedQ = workspace + bytes(PRODUCT_SCRATCH), packedK = packedQ + bytes(QUERIES * K);
  const packedV = packedK + bytes(KEYS * K), scores = packedV + bytes(KEYS * wide);
  const packedP = scores + bytes(QUERIES * KEYS), o = packedP + bytes(QUERIES * KEYS);
  const highest = o + bytes(QUERIES * Kv), scale = f32x4.splat(<f32> (LOG2E / Math.sqrt(<f64> K)));
  packRows(args.q + bytes((b * T + q) * args.strideQ + h * K), args.strideQ, true, rows, K, packedQ);
  clear(o, QUERIES * Kv);
  for (let i = 0; i < rows; i++) {
    store<f32>(highest + bytes(2 * i), -1e30);
    store<f32>(highest + bytes(2 * i), 0, 4);
  }
  for (let key = 0; key < T; key += KEYS) {
    const keys = min(KEYS, T - key);
    if (isHidden(q, rows, key, keys, args.window, args.meta, args.crop)) continue;
    const fromK = args.k + bytes((b * T + key) * args.strideK + g * K);
    packColumns(fromK, args.strideK, true, keys, K, packedK);
    product(packedQ, packedK, K, rows, keys, K, scores, KEYS, false, workspace);
    for (let i = 0; i < rows; i++) {
      softenRow(scores + bytes(i * KEYS), keys, q + i, key, args, highest + bytes(2 * i), o + bytes(i * Kv), scale);
    }
    packRows(scores, KEYS, true, rows, keys, packedP);
    const fromV = args.v + bytes((b * T + key) * args.strideV + g * Kv);
    packColumns(fromV, args.strideV, false, Kv, keys, packedV);
    product(packedP, packedV, keys, rows, Kv, keys, o, Kv, true, workspace);
  }
  finish(args, b * T + q, h, rows, o, highest);
}
