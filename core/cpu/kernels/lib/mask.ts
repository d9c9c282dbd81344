/**
 * Which keys a query sees: k ≤ q and (q − k < window or k < meta). `window` is huge where attention is global. With `crop` > 0 the
 * documented study's leaky mask: text key k counts as position k − crop, those before the crop are gone, meta keys are always seen.
 */

/** Rows of queries and of keys that are worked on together. */
export const QUERIES: i32 = 48;
export const KEYS: i32 = 24;

/** All bits set in the lanes of keys key … key + 3 that query q sees. */
@inline
export function visible(q: i32, key: i32, window: i32, meta: i32, crop: i32): v128 {
  const keys = i32x4.add(i32x4.splat(key), i32x4(0, 1, 2, 3));
  if (crop > 0) {
    const moved = i32x4.sub(keys, i32x4.splat(crop));
    const near = v128.and(i32x4.gt_s(moved, i32x4.splat(q - window)), i32x4.le_s(moved, i32x4.splat(q)));
    // The last window keys are all there is: lanes behind them are padding.
    const kept = v128.and(i32x4.ge_s(moved, i32x4.splat(meta)), i32x4.lt_s(moved, i32x4.splat(meta + window)));
    return v128.or(i32x4.lt_s(keys, i32x4.splat(meta)), v128.and(near, kept));
  }
  const near = v128.or(i32x4.gt_s(keys, i32x4.splat(q - window)), i32x4.lt_s(keys, i32x4.splat(meta)));
  return v128.and(i32x4.le_s(keys, i32x4.splat(q)), near);
}

/** The first of the queries from q on that sees any key from `key` on, counted from q, rounded down to a multiple of `step`. */
export function firstSeeing(q: i32, key: i32, crop: i32, step: i32): i32 {
  return crop > 0 || key <= q ? 0 : ((key - q) / step) * step;
}

/** Of the queries [q, q + queries), how many there are up to the last that sees any of the keys [key, key + keys). */
export function lastSeeing(q: i32, queries: i32, key: i32, keys: i32, window: i32, meta: i32, crop: i32): i32 {
  return crop > 0 || key < meta ? queries : min(queries, key + keys - 1 + window - q);
}

/** True when all queries [q, q + queries) see all keys [key, key + keys), which fill whole vectors. */
export function isOpen(q: i32, queries: i32, key: i32, keys: i32, window: i32, meta: i32, crop: i32): bool {
  if (crop > 0 || (keys & 3) !== 0 || key + keys - 1 > q) return false;
  return key + keys <= meta || q + queries - 1 - key < window;
}
