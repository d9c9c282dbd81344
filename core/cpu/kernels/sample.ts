/**
 * Draws the next token of a sequence from its logits: penalty, top-k, top-p, min-p, then the first token, by falling logit, whose summed
 * weight exceeds a uniform number. Nothing is sorted: a limit is found bit by bit, as the largest key for which the tokens from it on are
 * enough, and the tokens that are kept move together. A key orders like its logit.
 */
import { exp } from "./lib/activations";
import { bytes, sum4 } from "./lib/vector";

@unmanaged
class Sample {
  /** [B, V]. */
  logits: usize;
  /** [B, 8] u32, see core/ops/sample.ts. */
  settings: usize;
  /** [B] u32 each. */
  position: usize;
  turn: usize;
  /** [B, V] u32. */
  seen: usize;
  /** [rows, B] u32. */
  history: usize;
  token: usize;
  strideLogits: i32;
  B: i32;
  V: i32;
  rows: i32;
}

/** The tokens that may be drawn: keys, weights and ids, [n] each and padded to vectors with key 0 and weight 0. */
@unmanaged
class Kept {
  keys: usize;
  weights: usize;
  ids: usize;
  n: i32;
}

const STREAM: u32 = 3;
const NOT_DRAWN: u32 = 0xffffffff;
const BELOW_ONE: f32 = 0.99999988;

/** Word `t mod 4` of Philox 4x32-10 at counter (t / 4, 0, number, stream): the word that core/random.ts takes. */
function randomWord(t: u32, settings: usize): u32 {
  let c0 = t / 4, c1: u32 = 0, c2 = load<u32>(settings, 8), c3 = STREAM;
  let k0 = load<u32>(settings), k1 = load<u32>(settings, 4);
  for (let round = 0; round < 10; round++) {
    const p0 = <u64> 0xd2511f53 * c0, p1 = <u64> 0xcd9e8d57 * c2;
    c0 = <u32> (p1 >> 32) ^ c1 ^ k0;
    c1 = <u32> p1;
    c2 = <u32> (p0 >> 32) ^ c3 ^ k1;
    c3 = <u32> p0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  const word = t % 4;
  return word === 0 ? c0 : word === 1 ? c1 : word === 2 ? c2 : c3;
}

/** How many tokens have this key or a higher one, or their summed weight. Padding has key 0, which no search asks for. */
function sumFrom(kept: Kept, key: u32, weighted: bool): f32 {
  const limit = i32x4.splat(key), one = f32x4.splat(1);
  let sums = f32x4.splat(0);
  for (let i = 0; i < kept.n; i += 4) {
    const at = bytes(i), seen = i32x4.ge_u(v128.load(kept.keys + at), limit);
    sums = f32x4.add(sums, v128.and(seen, weighted ? v128.load(kept.weights + at) : one));
  }
  return sum4(sums);
}

/** The largest key for which the tokens from it on have at least `target` (or, `beyond`, more than that). It is the key of a token. */
function limitOf(kept: Kept, target: f32, weighted: bool, beyond: bool): u32 {
  let key: u32 = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const next = key | (<u32> 1 << bit), sum = sumFrom(kept, next, weighted);
    if (beyond ? sum > target : sum >= target) key = next;
  }
  return key;
}

/** The weight of the tokens with this key. */
function weightAt(kept: Kept, key: u32): f32 {
  for (let i = 0; i < kept.n; i++) if (load<u32>(kept.keys + bytes(i)) === key) return load<f32>(kept.weights + bytes(i));
  return 0;
}

/** Fills the last vector up with tokens that are never taken. */
function pad(kept: Kept): void {
  for (let i = kept.n; (i & 3) !== 0; i++) {
    store<u32>(kept.keys + bytes(i), 0);
    store<f32>(kept.weights + bytes(i), 0);
  }
}

/** Keeps the tokens above a key and the first `ties` tokens with the key, but only tokens with a weight of at least `least`. */
function keep(kept: Kept, key: u32, ties: i32, least: f32): void {
  let n = 0;
  for (let i = 0; i < kept.n; i++) {
    const at = bytes(i), own = load<u32>(kept.keys + at), weight = load<f32>(kept.weights + at);
    if (own < key || weight < least || (own === key && ties-- <= 0)) continue;
    store<u32>(kept.keys + bytes(n), own);
    store<f32>(kept.weights + bytes(n), weight);
    store<u32>(kept.ids + bytes(n), load<u32>(kept.ids + at));
    n++;
  }
  kept.n = n;
  pad(kept);
}

/** Fills in keys and ids from the logits after the penalty; returns the highest logit, or NaN when one is not finite. */
function penalise(args: Sample, b: i32, kept: Kept, penalty: f32): f32 {
  const V = args.V, logits = args.logits + bytes(b * args.strideLogits), seen = args.seen + bytes(b * V);
  let most: f32 = -Infinity, nothing: f32 = 0;
  for (let v = 0; v < V; v++) {
    let logit = load<f32>(logits + bytes(v));
    if (penalty !== 1 && load<u32>(seen + bytes(v)) !== 0) logit = logit > 0 ? logit / penalty : logit * penalty;
    logit += 0; // −0 becomes 0
    nothing += logit * 0;
    most = max<f32>(most, logit);
    const bits = reinterpret<i32>(logit);
    store<u32>(kept.keys + bytes(v), bits ^ ((bits >> 31) | 0x80000000));
    store<f32>(kept.weights + bytes(v), logit);
    store<u32>(kept.ids + bytes(v), v);
  }
  kept.n = V;
  return most + nothing;
}

/** Turns the logits in `weights` into weights relative to the likeliest token. */
function weigh(kept: Kept, most: f32, temperature: f32): void {
  const shift = f32x4.splat(most), scale = f32x4.splat(1 / temperature);
  for (let i = 0; i < kept.n; i += 4) {
    const at = kept.weights + bytes(i);
    v128.store(at, exp(f32x4.mul(f32x4.sub(v128.load(at), shift), scale)));
  }
  pad(kept);
}

/** Cuts the tokens down to those that may be drawn. */
function cut(settings: usize, kept: Kept, most: f32): void {
  const topK = load<u32>(settings, 12), temperature = load<f32>(settings, 16);
  const topP = load<f32>(settings, 20), minP = load<f32>(settings, 24);
  pad(kept);
  if (topK > 0 && topK < <u32> kept.n) {
    const key = limitOf(kept, <f32> topK, false, false), above = <i32> sumFrom(kept, key + 1, false);
    keep(kept, key, <i32> topK - above, -Infinity);
  }
  weigh(kept, most, temperature);
  if (topP < 1) {
    const target = topP * sumFrom(kept, 0, true), key = limitOf(kept, target, true, false);
    const above = sumFrom(kept, key + 1, true), ties = <i32> Math.ceil((target - above) / weightAt(kept, key));
    keep(kept, key, max(1, ties), 0);
  }
  if (minP > 0) keep(kept, 0, kept.n, minP);
}

/** The draw among the tokens that are kept. `uniform` is in [0, 1). */
function pick(kept: Kept, uniform: f32): u32 {
  const total = sumFrom(kept, 0, true), target = min<f32>(uniform * total, total * BELOW_ONE);
  const key = limitOf(kept, target, true, true), above = sumFrom(kept, key + 1, true);
  let skip = <i32> ((target - above) / weightAt(kept, key)), found: u32 = 0;
  for (let i = 0; i < kept.n; i++) {
    if (load<u32>(kept.keys + bytes(i)) !== key) continue;
    found = load<u32>(kept.ids + bytes(i));
    if (skip-- <= 0) break;
  }
  return found;
}

/** One block takes one sequence. Workspace: 8 and three times V rounded up to 4. */
export function sample(args: Sample, b: i32, workspace: usize): void {
  const kept = changetype<Kept>(workspace), V = args.V, wide = (V + 3) & ~3, turn = load<u32>(args.turn + bytes(b));
  kept.keys = workspace + 32;
  kept.weights = kept.keys + bytes(wide);
  kept.ids = kept.weights + bytes(wide);
  const settings = args.settings + bytes(8 * b), temperature = load<f32>(settings, 16);
  const most = penalise(args, b, kept, load<f32>(settings, 28)), broken = most !== most;
  let id: u32 = 0;
  if (!broken && temperature === 0) {
    while (load<f32>(kept.weights + bytes(id)) !== most) id++;
  } else if (!broken) {
    cut(settings, kept, most);
    id = pick(kept, <f32> (randomWord(turn, settings) >> 8) * <f32> 5.9604644775390625e-8);
  }
  store<u32>(args.token + bytes(b), id);
  if (!broken) store<u32>(args.seen + bytes(b * V + id), 1);
  store<u32>(args.history + bytes((turn % args.rows) * args.B + b), broken ? NOT_DRAWN : id);
  store<u32>(args.turn + bytes(b), turn + 1);
  store<u32>(args.position + bytes(b), load<u32>(args.position + bytes(b)) + 1);
}
