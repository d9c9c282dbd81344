// Odds-ratio preference optimisation on N chosen rows, then N rejected rows:
//   c, r = mean logp over completion tokens, log_odds = (c − r) − (log1mexp(c) − log1mexp(r)),
//   loss = nll(chosen rows, over weight) − BETA · mean(log_sigmoid(log_odds)).
//
//   0  logpRT        [2N, T]  f32  read
//   1  weightRT      [2N, T]  f32  read   1 where a token of a chosen row counts for the nll
//   2  completionRT  [2N, T]  f32  read   1 for completion tokens
//   3  loss          [1]      f32  write
//   4  nll           [1]      f32  write
//   5  pairs         [N, 4]   f32  write  c, r, log_odds, log_sigmoid(log_odds)
//
// One workgroup handles the pairs one after the other; its LANES stride over T, then add up in a tree of fixed shape (lib/sum_over_lanes).
// The odds are cut off at a mean of −1e-7, where they would overflow. Bytes 24·N·T, flops 8·N·T: very short.

override N: u32;
override T: u32;
override BETA: f32;

@group(0) @binding(0) var<storage, read> logpRT: array<f32>;
@group(0) @binding(1) var<storage, read> weightRT: array<f32>;
@group(0) @binding(2) var<storage, read> completionRT: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> nll: array<f32>;
@group(0) @binding(5) var<storage, read_write> pairs: array<f32>;

const HIGHEST = -1e-7;

fn mean_of_completion(row: u32, lane: u32) -> f32 {
  var sum = 0.0;
  var count = 0.0;
  for (var t = lane; t < T; t += LANES) {
    let at = row * T + t;
    sum += completionRT[at] * logpRT[at];
    count += completionRT[at];
  }
  let total = sum_over_lanes(sum, lane);
  return total / sum_over_lanes(count, lane);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var weighted = 0.0;
  var weights = 0.0;
  for (var at = lane; at < N * T; at += LANES) {
    weighted += weightRT[at] * logpRT[at];
    weights += weightRT[at];
  }
  let total = sum_over_lanes(weighted, lane);
  let mean_nll = -total / sum_over_lanes(weights, lane);
  var penalty = 0.0;
  for (var pair = 0u; pair < N; pair++) {
    let c = mean_of_completion(pair, lane);
    let r = mean_of_completion(N + pair, lane);
    let log_odds = (c - r) - (log1mexp(min(c, HIGHEST)) - log1mexp(min(r, HIGHEST)));
    let preferred = log_sigmoid(log_odds);
    penalty -= preferred;
    if (lane == 0) {
      pairs[pair * 4] = c;
      pairs[pair * 4 + 1] = r;
      pairs[pair * 4 + 2] = log_odds;
      pairs[pair * 4 + 3] = preferred;
    }
  }
  if (lane == 0) {
    nll[0] = mean_nll;
    loss[0] = mean_nll + BETA * penalty / f32(N);
  }
}
