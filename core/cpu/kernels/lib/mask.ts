/** Which keys a query sees: k ≤ q and (q − k < window or k < meta). `window` is huge where attention is global. */

/** Rows of queries and of keys in one tile. */
export const QUERIES: i32 = 48;
export const KEYS: i32 = 24;

/** All bits set in the lanes of keys key … key + 3 that query q sees. */
@inline
export function visible(q: i32, key: i32, window: i32, meta: i32): v128 {
  const keys = i32x4.add(i32x4.splat(key), i32x4(0, 1, 2, 3));
  const near = v128.or(i32x4.gt_s(keys, i32x4.splat(q - window)), i32x4.lt_s(keys, i32x4.splat(meta)));
  return v128.and(i32x4.le_s(keys, i32x4.splat(q)), near);
}

/** How many of the queries q, q + 1, … come before the first that sees key `key`, rounded down to a multiple of `step`. */
export function firstSeeing(q: i32, key: i32, step: i32): i32 {
  return key <= q ? 0 : ((key - q) / step) * step;
}

/** How many of the queries [q, q + queries) come before the end of those that see any of the keys [key, key + keys). */
export function lastSeeing(q: i32, queries: i32, key: i32, keys: i32, window: i32, meta: i32): i32 {
  return key < meta ? queries : min(queries, key + keys - 1 + window - q);
}

/** True if all queries [q, q + queries) see all keys [key, key + keys), and the keys fill whole vectors. */
export function isOpen(q: i32, queries: i32, key: i32, keys: i32, window: i32, meta: i32): bool {
  if ((keys & 3) !== 0 || key + keys - 1 > q) return false;
  return key + keys <= meta || q + queries - 1 - key < window;
}
