/**
 * Backward of attention: P = exp(S − lse), dV += Pᵀ dO, dS = P ∘ (dO Vᵀ − Σ dO ∘ O) / √K, dQ += dS K, dK += dSᵀ Q. One block takes one
 * sequence and one key head with all its query heads, so that every sum stays inside it. Source: Dao, "FlashAttention-2", 2023.
 */
import { exp2Constant, exp2With } from "./lib/activations";
import { firstSeeing, isOpen, KEYS, lastSeeing, QUERIES, visible } from "./lib/mask";
import { packColumns, packRows, product, PRODUCT_SCRATCH, TILE_COLUMNS, TILE_ROWS } from "./lib/tile";
import { addTo, bytes, clear, copy, load4, madd, sum4 } from "./lib/vector";

const LOG2E: f64 = 1.4426950408889634;

@unmanaged
class AttentionBackward {
  q: usize;
  k: usize;
  v: usize;
  o: usize;
  lse: usize;
  dO: usize;
  dq: usize;
  dk: usize;
  dv: usize;
  strideQ: i32;
  strideK: i32;
  strideV: i32;
  strideO: i32;
  strideDo: i32;
  strideDq: i32;
  strideDk: i32;
  strideDv: i32;
  T: i32;
  H: i32;
  G: i32;
  K: i32;
  Kv: i32;
  window: i32;
  meta: i32;
  /** 1: adds to dk and dv. */
  accumulate: i32;
}

/** The workspace of one block. Tiles of packed keys begin at multiples of KEYS. */
@unmanaged
class Places {
  tile: usize;
  /** Per key: panels of 8 keys of k and of v, panels of 8 columns of k. */
  keysK: usize;
  keysV: usize;
  columnsK: usize;
  /** [T, K], [T, Kv]. */
  dk: usize;
  dv: usize;
  /** Of QUERIES queries: panels of 6 rows of q and dO, panels of 8 columns of both, and dq. */
  rowsQ: usize;
  rowsDo: usize;
  columnsQ: usize;
  columnsDo: usize;
  dq: usize;
  /** [QUERIES, 2]: lse in powers of 2, Σ dO ∘ O. */
  sums: usize;
  /** [QUERIES, KEYS]: probabilities, then the gradient of the scores; and one of them packed, keys rounded up to whole panels. */
  p: usize;
  dS: usize;
  packed: usize;
}

function layOut(args: AttentionBackward, workspace: usize): Places {
  const places = changetype<Places>(workspace), T = ((args.T + KEYS - 1) / KEYS) * KEYS, K = args.K, Kv = args.Kv;
  const wideK = (K + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1), wideV = (Kv + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  places.tile = workspace + 128;
  places.keysK = places.tile + bytes(PRODUCT_SCRATCH);
  places.keysV = places.keysK + bytes(T * K);
  places.columnsK = places.keysV + bytes(T * Kv);
  places.dk = places.columnsK + bytes(T * wideK);
  places.dv = places.dk + bytes(T * K);
  places.rowsQ = places.dv + bytes(T * Kv);
  places.rowsDo = places.rowsQ + bytes(QUERIES * K);
  places.columnsQ = places.rowsDo + bytes(QUERIES * Kv);
  places.columnsDo = places.columnsQ + bytes(QUERIES * wideK);
  places.dq = places.columnsDo + bytes(QUERIES * wideV);
  places.sums = places.dq + bytes(QUERIES * K);
  places.p = places.sums + bytes(2 * QUERIES);
  places.dS = places.p + bytes(QUERIES * KEYS);
  places.packed = places.dS + bytes(QUERIES * KEYS);
  return places;
}

function packKeys(args: AttentionBackward, p: Places, b: i32, g: i32): void {
  const T = args.T, K = args.K, Kv = args.Kv, wideK = (K + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  for (let key = 0; key < T; key += KEYS) {
    const keys = min(KEYS, T - key), row = b * T + key;
    const k = args.k + bytes(row * args.strideK + g * K), v = args.v + bytes(row * args.strideV + g * Kv);
    packColumns(k, args.strideK, true, keys, K, p.keysK + bytes(key * K));
    packColumns(v, args.strideV, true, keys, Kv, p.keysV + bytes(key * Kv));
    packColumns(k, args.strideK, false, K, keys, p.columnsK + bytes(key * wideK));
  }
}

function packQueries(args: AttentionBackward, p: Places, row: i32, h: i32, rows: i32): void {
  const K = args.K, Kv = args.Kv, q = args.q + bytes(row * args.strideQ + h * K);
  const dO = args.dO + bytes(row * args.strideDo + h * Kv), o = args.o + bytes(row * args.strideO + h * Kv);
  packRows(q, args.strideQ, true, rows, K, p.rowsQ);
  packRows(dO, args.strideDo, true, rows, Kv, p.rowsDo);
  packColumns(q, args.strideQ, false, K, rows, p.columnsQ);
  packColumns(dO, args.strideDo, false, Kv, rows, p.columnsDo);
  for (let i = 0; i < rows; i++) {
    let dots = f32x4.splat(0);
    for (let c = 0; c < Kv; c += 4) {
      const left = Kv - c, at = dO + bytes(i * args.strideDo + c);
      dots = madd(load4(at, left), load4(o + bytes(i * args.strideO + c), left), dots);
    }
    const lse = <f64> load<f32>(args.lse + bytes((row + i) * args.H + h)) * LOG2E;
    store<f32>(p.sums + bytes(2 * i), <f32> lse);
    store<f32>(p.sums + bytes(2 * i), sum4(dots), 4);
  }
}

/** Probabilities of one row from scores, and the gradient of the scores from that of the probabilities, in place. */
function softenRow(
  p: usize,
  dS: usize,
  keys: i32,
  exponent: v128,
  lse: v128,
  delta: v128,
  factor: v128,
): void {
  const c6 = exp2Constant(0), c5 = exp2Constant(1), c4 = exp2Constant(2), c3 = exp2Constant(3), c2 = exp2Constant(4);
  const c1 = exp2Constant(5), c0 = exp2Constant(6), magic = exp2Constant(7), lowest = exp2Constant(8);
  const highest = exp2Constant(9);
  for (const end = p + bytes(keys); p < end; p += 16, dS += 16) {
    const score = f32x4.pmin(f32x4.sub(f32x4.mul(v128.load(p), exponent), lse), highest);
    const probability = exp2With(score, c6, c5, c4, c3, c2, c1, c0, magic, lowest);
    v128.store(p, probability);
    v128.store(dS, f32x4.mul(probability, f32x4.mul(f32x4.sub(v128.load(dS), delta), factor)));
  }
}

/** Sets the probabilities of keys that query q does not see to zero. */
function hide(args: AttentionBackward, p: usize, dS: usize, q: i32, key: i32, keys: i32): void {
  for (let j = 0; j < keys; j += 4, p += 16, dS += 16) {
    const seen = visible(q, key + j, args.window, args.meta);
    v128.store(p, v128.and(v128.load(p), seen));
    v128.store(dS, v128.and(v128.load(dS), seen));
  }
}

/** From scores and dP to probabilities and dS, in place. A softmax over one key is constant: its dS is zero, not rounding. */
function soften(args: AttentionBackward, p: Places, q: i32, from: i32, until: i32, key: i32, keys: i32): void {
  const scale = 1 / Math.sqrt(<f64> args.K), exponent = f32x4.splat(<f32> (scale * LOG2E));
  const open = isOpen(q + from, until - from, key, keys, args.window, args.meta);
  for (let i = from; i < until; i++) {
    const alone = q + i === 0 || (args.window === 1 && args.meta === 0);
    const factor = f32x4.splat(alone ? 0 : <f32> scale), sums = p.sums + bytes(2 * i);
    const rowP = p.p + bytes(i * KEYS), rowS = p.dS + bytes(i * KEYS);
    softenRow(rowP, rowS, keys, exponent, v128.load32_splat(sums), v128.load32_splat(sums, 4), factor);
    if (!open) hide(args, rowP, rowS, q + i, key, keys);
  }
}

/** One tile of queries with one tile of keys: rows [from, until) of the queries see some of the keys. */
function backwardTile(args: AttentionBackward, p: Places, q: i32, rows: i32, key: i32, from: i32, until: i32): void {
  const K = args.K, Kv = args.Kv, wideK = (K + TILE_COLUMNS - 1) & ~(TILE_COLUMNS - 1);
  const keys = min(KEYS, args.T - key), some = until - from, first = bytes(from * KEYS);
  const rowsQ = p.rowsQ + bytes(from * K), rowsDo = p.rowsDo + bytes(from * Kv);
  product(rowsQ, K, p.keysK + bytes(key * K), K, some, keys, K, p.p + first, KEYS, false, p.tile);
  product(rowsDo, Kv, p.keysV + bytes(key * Kv), Kv, some, keys, Kv, p.dS + first, KEYS, false, p.tile);
  soften(args, p, q, from, until, key, keys);
  const columnsDo = p.columnsDo + bytes(from * TILE_COLUMNS), columnsQ = p.columnsQ + bytes(from * TILE_COLUMNS);
  packRows(p.p + first, KEYS, false, keys, some, p.packed);
  product(p.packed, some, columnsDo, rows, keys, Kv, some, p.dv + bytes(key * Kv), Kv, true, p.tile);
  packRows(p.dS + first, KEYS, false, keys, some, p.packed);
  product(p.packed, some, columnsQ, rows, keys, K, some, p.dk + bytes(key * K), K, true, p.tile);
  packRows(p.dS + first, KEYS, true, some, keys, p.packed);
  const dq = p.dq + bytes(from * K);
  product(p.packed, keys, p.columnsK + bytes(key * wideK), keys, some, K, keys, dq, K, true, p.tile);
}

function storeRows(from: usize, n: i32, columns: i32, to: usize, stride: i32, accumulate: bool): void {
  for (let row = 0; row < n; row++, from += bytes(columns), to += bytes(stride)) {
    if (accumulate) addTo(to, from, columns);
    else copy(to, from, columns);
  }
}

/** Workspace: see `layOut`. */
export function attention_backward(args: AttentionBackward, block: i32, workspace: usize): void {
  const T = args.T, K = args.K, Kv = args.Kv, b = block / args.G, g = block % args.G, heads = args.H / args.G;
  const p = layOut(args, workspace), accumulate = args.accumulate !== 0;
  packKeys(args, p, b, g);
  clear(p.dk, T * K);
  clear(p.dv, T * Kv);
  for (let h = g * heads; h < (g + 1) * heads; h++) {
    for (let q = 0; q < T; q += QUERIES) {
      const rows = min(QUERIES, T - q), row = b * T + q;
      packQueries(args, p, row, h, rows);
      clear(p.dq, rows * K);
      for (let key = 0; key < T; key += KEYS) {
        const keys = min(KEYS, T - key), from = firstSeeing(q, key, TILE_ROWS);
        const until = lastSeeing(q, rows, key, keys, args.window, args.meta);
        if (from < until) backwardTile(args, p, q, rows, key, from, until);
      }
      storeRows(p.dq, rows, K, args.dq + bytes(row * args.strideDq + h * K), args.strideDq, false);
    }
  }
  storeRows(p.dk, T, K, args.dk + bytes(b * T * args.strideDk + g * K), args.strideDk, accumulate);
  storeRows(p.dv, T, Kv, args.dv + bytes(b * T * args.strideDv + g * Kv), args.strideDv, accumulate);
}
