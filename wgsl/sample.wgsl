// token[b] = a draw from softmax(logits / temperature) after a penalty for tokens of the text so far, top-k, top-p and min-p. Tokens are ordered by
// falling logit, equal ones by id. The drawn token is the first whose cumulative weight exceeds a uniform number.
//
//   0  logitsBV  [B, V]        f32  read
//   1  settings  [B, 8]        u32  read            seed (low, high), number, k; bits of temperature, p of top-p, min-p, penalty
//   2  tokenB    [B]           u32  write
//   3  position  [B]           u32  read and write  grows by 1
//   4  turn      [B]           u32  read and write  tokens drawn so far; grows by 1
//   5  seen      [B, V]        u32  read and write  1 for tokens that the text has
//   6  history   [ROWS, B]     u32  read and write  row turn mod ROWS gets the token, or NOT_DRAWN when a logit is not finite
//   7  work      [B, 2, V]     u32  write and read  keys, which order like the logits, then the bits of weights
//
// One workgroup of LANES a sequence. Nothing is sorted: a limit is found bit by bit, as the largest key such that the tokens with at least this key
// are enough. Each bit takes one pass over V. The allowed tokens are always the first ones in the order: all tokens above the key `limit`, and the
// first `ties` tokens with this key. Sums over lanes are trees of fixed shape (lib/sum_over_lanes).
// Bytes 4·V for each of about 100 passes, mostly from caches: bound by latency.

override B: u32;
override V: u32;
override ROWS: u32;
override LOGITS_OFFSET: u32 = 0;
override LOGITS_STRIDE: u32;

const NOT_DRAWN = 0xffffffffu;
const STREAM = 3u;
const BELOW_ONE = 0.99999988;

@group(0) @binding(0) var<storage, read> logitsBV: array<f32>;
@group(0) @binding(1) var<storage, read> settings: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokenB: array<u32>;
@group(0) @binding(3) var<storage, read_write> position: array<u32>;
@group(0) @binding(4) var<storage, read_write> turn: array<u32>;
@group(0) @binding(5) var<storage, read_write> seen: array<u32>;
@group(0) @binding(6) var<storage, read_write> history: array<u32>;
@group(0) @binding(7) var<storage, read_write> work: array<u32>;

/// The allowed tokens.
struct Kept {
  limit: u32,
  ties: f32,
  total: f32, // weight of all allowed tokens
}

fn times_high(a: u32, b: u32) -> u32 {
  let middle = (a >> 16) * (b & 0xffff) + (((a & 0xffff) * (b & 0xffff)) >> 16);
  let carry = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
  return (a >> 16) * (b >> 16) + (middle >> 16) + (carry >> 16);
}

/// Word `t mod 4` of Philox 4x32-10 at counter (t / 4, 0, number, STREAM): the word that core/random.ts takes.
fn random_word(t: u32, b: u32) -> u32 {
  var c = vec4u(t / 4, 0, settings[8 * b + 2], STREAM);
  var key = vec2u(settings[8 * b], settings[8 * b + 1]);
  for (var round = 0u; round < 10; round++) {
    let high = vec2u(times_high(0xd2511f53u, c.x), times_high(0xcd9e8d57u, c.z));
    let low = vec2u(0xd2511f53u * c.x, 0xcd9e8d57u * c.z);
    c = vec4u(high.y ^ c.y ^ key.x, low.y, high.x ^ c.w ^ key.y, low.x);
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c[t % 4];
}

fn key_of(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31) == 1);
}

/// The number of tokens with at least this key, or their total weight.
fn sum_from(key: u32, weighted: bool, b: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var v = lane; v < V; v += LANES) {
    let value = select(1.0, bitcast<f32>(work[(2 * b + 1) * V + v]), weighted);
    sum += select(0.0, value, work[2 * b * V + v] >= key);
  }
  return sum_over_lanes(sum, lane);
}

/// The largest key such that the tokens with at least this key have at least the wanted sum, or with `beyond` more than it. It is the key of a token.
fn limit_of(wanted: f32, weighted: bool, beyond: bool, b: u32, lane: u32) -> u32 {
  var key = 0u;
  for (var bit = 0u; bit < 32; bit++) {
    let next = key | (0x80000000u >> bit);
    let sum = sum_from(next, weighted, b, lane);
    if (select(sum >= wanted, sum > wanted, beyond)) {
      key = next;
    }
  }
  return key;
}

/// The weight of the tokens with this key.
fn weight_at(key: u32, b: u32, lane: u32) -> f32 {
  var weight = 0.0;
  for (var v = lane; v < V; v += LANES) {
    weight = select(weight, bitcast<f32>(work[(2 * b + 1) * V + v]), work[2 * b * V + v] == key);
  }
  return max_over_lanes(weight, lane);
}

/// The lowest id with this key.
fn first_with(key: u32, b: u32, lane: u32) -> u32 {
  var first = V;
  for (var v = lane; v < V; v += LANES) {
    first = select(first, min(first, v), work[2 * b * V + v] == key);
  }
  return u32(-max_over_lanes(-f32(first), lane));
}

/// The id of the token number `skip` among those with this key, or of the last one. One lane does this, because equal logits are rare.
fn later(key: u32, first: u32, skip: u32, b: u32) -> u32 {
  var left = skip;
  var found = first;
  for (var v = first + 1; v < V && left > 0; v++) {
    if (work[2 * b * V + v] == key) {
      found = v;
      left--;
    }
  }
  return found;
}

/// Keys and logits after the penalty go to `work`. Returns the highest logit; `broken` counts those that are not finite.
fn penalise(b: u32, lane: u32) -> vec2f {
  let penalty = bitcast<f32>(settings[8 * b + 7]);
  var highest = -3.4e38;
  var broken = 0.0;
  for (var v = lane; v < V; v += LANES) {
    var logit = logitsBV[LOGITS_OFFSET + b * LOGITS_STRIDE + v];
    if (penalty != 1 && seen[b * V + v] != 0) {
      logit = select(logit * penalty, logit / penalty, logit > 0);
    }
    broken += select(0.0, 1.0, (bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u);
    logit = select(logit, 0.0, bitcast<u32>(logit) == 0x80000000u); // −0 becomes 0
    highest = max(highest, logit);
    work[2 * b * V + v] = key_of(logit);
    work[(2 * b + 1) * V + v] = bitcast<u32>(logit);
  }
  return vec2f(max_over_lanes(highest, lane), sum_over_lanes(broken, lane));
}

/// The tokens that top-k, top-p and min-p allow. Weights relative to the most likely token replace the logits in `work`.
fn cut(highest: f32, b: u32, lane: u32) -> Kept {
  var kept = Kept(0, f32(V), 0.0);
  let k = settings[8 * b + 3];
  if (k > 0 && k < V) {
    kept.limit = limit_of(f32(k), false, false, b, lane);
    kept.ties = f32(k) - sum_from(kept.limit + 1, false, b, lane);
  }
  let temperature = bitcast<f32>(settings[8 * b + 4]);
  for (var v = lane; v < V; v += LANES) {
    let at = (2 * b + 1) * V + v;
    work[at] = bitcast<u32>(exp((bitcast<f32>(work[at]) - highest) / temperature));
  }
  kept.total = weight_of(kept, b, lane);
  let top_p = bitcast<f32>(settings[8 * b + 5]);
  if (top_p < 1) {
    let wanted = top_p * kept.total;
    let limit = max(kept.limit, limit_of(wanted, true, false, b, lane));
    let missing = (wanted - sum_from(limit + 1, true, b, lane)) / weight_at(limit, b, lane);
    kept.ties = min(select(f32(V), kept.ties, limit == kept.limit), max(1.0, ceil(missing)));
    kept.limit = limit;
    kept.total = weight_of(kept, b, lane);
  }
  let min_p = bitcast<f32>(settings[8 * b + 6]);
  if (min_p > 0) {
    var least = 0xffffffffu; // the lowest key with enough weight
    for (var v = lane; v < V; v += LANES) {
      let enough = bitcast<f32>(work[(2 * b + 1) * V + v]) >= min_p;
      least = select(least, min(least, work[2 * b * V + v]), enough);
    }
    // Keys as two f32, which hold 16 bits each without loss.
    let high = -max_over_lanes(-f32(least >> 16), lane);
    let low = -max_over_lanes(select(-65535.0, -f32(least & 0xffff), f32(least >> 16) == high), lane);
    let limit = (u32(high) << 16) | u32(low);
    let total = sum_from(limit, true, b, lane);
    if (limit > kept.limit) {
      kept = Kept(limit, f32(V), total);
    }
  }
  return kept;
}

/// The total weight of the allowed tokens.
fn weight_of(kept: Kept, b: u32, lane: u32) -> f32 {
  let all = sum_from(kept.limit, true, b, lane);
  return all - max(0.0, count_at(kept.limit, b, lane) - kept.ties) * weight_at(kept.limit, b, lane);
}

/// How many tokens have this key.
fn count_at(key: u32, b: u32, lane: u32) -> f32 {
  var count = 0.0;
  for (var v = lane; v < V; v += LANES) {
    count += select(0.0, 1.0, work[2 * b * V + v] == key);
  }
  return sum_over_lanes(count, lane);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = group.x;
  let made = penalise(b, lane);
  var key = key_of(made.x);
  var skip = 0u;
  if (bitcast<f32>(settings[8 * b + 4]) > 0) {
    let kept = cut(made.x, b, lane);
    let uniform_number = f32(random_word(turn[b], b) >> 8) * 5.9604644775390625e-8;
    let wanted = min(uniform_number * kept.total, kept.total * BELOW_ONE);
    key = max(kept.limit, limit_of(wanted, true, true, b, lane));
    let number = max(0.0, (wanted - sum_from(key + 1, true, b, lane)) / weight_at(key, b, lane));
    skip = u32(min(number, select(f32(V), kept.ties, key == kept.limit) - 1));
  }
  let first = first_with(key, b, lane);
  storageBarrier();
  if (lane > 0) {
    return;
  }
  let broken = made.y > 0;
  let id = select(min(later(key, first, skip, b), V - 1), 0, broken);
  tokenB[b] = id;
  if (!broken) {
    seen[b * V + id] = 1;
  }
  history[turn[b] % ROWS * B + b] = select(id, NOT_DRAWN, broken);
  turn[b] += 1;
  position[b] += 1;
}
