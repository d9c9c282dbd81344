/**
 * The register tile of every matrix product: 6 × 8 elements of c in twelve vectors, two vectors of b and one of a. This uses all
 * fifteen vector registers that the engine provides on x86-64.
 *
 * Packed a: panels of 6 rows, panel [K, 6]. Packed b: panels of 8 columns, panel [K, 8]. Rows and columns after the last hold
 * arbitrary values, finite or not: they only affect lanes that are dropped.
 */
import { bytes, highHalves, lowHalves, madd, zipHigh, zipLow } from "./vector";

export const TILE_ROWS: i32 = 6;
export const TILE_COLUMNS: i32 = 8;

@inline
function put(to: usize, x: v128, y: v128, accumulate: bool): void {
  if (accumulate) {
    v128.store(to, f32x4.add(v128.load(to), x));
    v128.store(to, f32x4.add(v128.load(to, 16), y), 16);
  } else {
    v128.store(to, x);
    v128.store(to, y, 16);
  }
}

/** x with its lanes in the order 1 0 3 2. */
@inline
function swapped(x: v128): v128 {
  return i8x16.shuffle(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}

/** Lanes 0 and 2 of x, lanes 1 and 3 of y. */
@inline
function blended(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31);
}

/** Two rows of c from the sums over (a0 a1 a0 a1) and over (a1 a0 a1 a0). */
@inline
function putPair(c: usize, stride: usize, p0: v128, p1: v128, q0: v128, q1: v128, accumulate: bool): void {
  put(c, blended(p0, q0), blended(p1, q1), accumulate);
  put(c + stride, blended(q0, p0), blended(q1, p1), accumulate);
}

/** c = (or +=) panel of a · panel of b, 6 × 8; rows of c are `stride` elements apart. */
export function tile(a: usize, b: usize, K: i32, c: usize, stride: i32, accumulate: bool): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  const end = a + bytes(K) * TILE_ROWS;
  while (a < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = madd(x, b0, c00), c01 = madd(x, b1, c01);
    x = swapped(x);
    c10 = madd(x, b0, c10), c11 = madd(x, b1, c11);
    x = v128.load64_splat(a, 8);
    c20 = madd(x, b0, c20), c21 = madd(x, b1, c21);
    x = swapped(x);
    c30 = madd(x, b0, c30), c31 = madd(x, b1, c31);
    x = v128.load64_splat(a, 16);
    c40 = madd(x, b0, c40), c41 = madd(x, b1, c41);
    x = swapped(x);
    c50 = madd(x, b0, c50), c51 = madd(x, b1, c51);
    a += 24, b += 32;
  }
  const row = bytes(stride);
  putPair(c, row, c00, c01, c10, c11, accumulate), c += 2 * row;
  putPair(c, row, c20, c21, c30, c31, accumulate), c += 2 * row;
  putPair(c, row, c40, c41, c50, c51, accumulate);
}

/** Elements of scratch that `product` needs: one tile. */
export const PRODUCT_SCRATCH: i32 = TILE_ROWS * TILE_COLUMNS;

/** c [M, N] = (or +=) packed a · packed b over K; panels of a are `depthA` ≥ K deep, those of b `depthB`. */
export function product(
  a: usize,
  depthA: i32,
  b: usize,
  depthB: i32,
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  stride: i32,
  accumulate: bool,
  scratch: usize,
): void {
  for (let n = 0; n < N; n += TILE_COLUMNS) {
    const panelB = b + bytes(depthB) * n, columns = min(TILE_COLUMNS, N - n);
    for (let m = 0; m < M; m += TILE_ROWS) {
      const panelA = a + bytes(depthA) * m, rows = min(TILE_ROWS, M - m), to = c + bytes(m * stride + n);
      if (rows === TILE_ROWS && columns === TILE_COLUMNS) {
        tile(panelA, panelB, K, to, stride, accumulate);
      } else {
        tile(panelA, panelB, K, scratch, TILE_COLUMNS, false);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const from = load<f32>(scratch + bytes(i * TILE_COLUMNS + j)), at = to + bytes(i * stride + j);
            store<f32>(at, accumulate ? load<f32>(at) + from : from);
          }
        }
      }
    }
  }
}

/** For vectors whose elements are contiguous: transposes four vectors by four elements at a time, then two by four. */
@inline
function packAlong(from: usize, stride: i32, width: i32, count: i32, K: i32, to: usize): void {
  const last = count - 1, step = bytes(width), whole = K & ~3;
  for (let first = 0; first < width; first += 4) {
    const p0 = from + bytes(min(first, last) * stride), p1 = from + bytes(min(first + 1, last) * stride);
    const p2 = from + bytes(min(first + 2, last) * stride), p3 = from + bytes(min(first + 3, last) * stride);
    const pair = width - first < 4;
    let out = to + bytes(first);
    for (let k = 0; k < whole; k += 4) {
      const at = bytes(k), a = v128.load(p0 + at), b = v128.load(p1 + at);
      const low = zipLow(a, b), high = zipHigh(a, b);
      if (pair) {
        v128.store64_lane(out, low, 0), out += step;
        v128.store64_lane(out, low, 1), out += step;
        v128.store64_lane(out, high, 0), out += step;
        v128.store64_lane(out, high, 1), out += step;
      } else {
        const c = v128.load(p2 + at), d = v128.load(p3 + at), lowCD = zipLow(c, d), highCD = zipHigh(c, d);
        v128.store(out, lowHalves(low, lowCD)), out += step;
        v128.store(out, highHalves(low, lowCD)), out += step;
        v128.store(out, lowHalves(high, highCD)), out += step;
        v128.store(out, highHalves(high, highCD)), out += step;
      }
    }
    for (let k = whole; k < K; k++) {
      const at = bytes(k);
      store<f32>(out, load<f32>(p0 + at));
      store<f32>(out, load<f32>(p1 + at), 4);
      if (!pair) store<f32>(out, load<f32>(p2 + at), 8), store<f32>(out, load<f32>(p3 + at), 12);
      out += step;
    }
  }
}

/** For elements of equal k that are contiguous: copies pieces of rows. */
@inline
function packAcross(from: usize, stride: i32, width: i32, count: i32, K: i32, to: usize): void {
  const row = bytes(stride), step = bytes(width);
  if (count < width) {
    for (let k = 0; k < K; k++, from += row, to += step) {
      for (let i = 0; i < width; i++) store<f32>(to + bytes(i), load<f32>(from + bytes(min(i, count - 1))));
    }
    return;
  }
  for (let k = 0; k < K; k++, from += row, to += step) {
    v128.store(to, v128.load(from));
    if (width === TILE_COLUMNS) v128.store(to, v128.load(from, 16), 16);
    else store<u64>(to, load<u64>(from, 16), 16);
  }
}

/** See `packRows`. Packs `piece` elements of all vectors before the next piece, so that each cache line is loaded once. */
@inline
function pack(from: usize, stride: i32, along: bool, width: i32, count: i32, K: i32, to: usize, piece: i32): void {
  if (along) {
    for (let first = 0; first < count; first += width) {
      packAlong(from + bytes(first * stride), stride, width, min(width, count - first), K, to + bytes(first * K));
    }
    return;
  }
  for (let k = 0; k < K; k += piece) {
    const rows = min(piece, K - k), row = from + bytes(k * stride);
    for (let first = 0; first < count; first += width) {
      packAcross(row + bytes(first), stride, width, min(width, count - first), rows, to + bytes(first * K + k * width));
    }
  }
}

/**
 * Packs `count` vectors of length K into panels of 6 vectors, each panel [K, 6]: the left side of a product. `along`: the elements of
 * one vector are contiguous, and vectors are `stride` elements apart (otherwise the other way round). Copies of the last vector fill
 * the last panel.
 */
export function packRows(from: usize, stride: i32, along: bool, count: i32, K: i32, to: usize): void {
  pack(from, stride, along, TILE_ROWS, count, K, to, 32);
}

/** Like `packRows`, for panels of 8 vectors, [K, 8]: the right side. */
export function packColumns(from: usize, stride: i32, along: bool, count: i32, K: i32, to: usize): void {
  pack(from, stride, along, TILE_COLUMNS, count, K, to, K);
}
