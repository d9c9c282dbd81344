// dlogp of odds-ratio preference optimisation. With s = BETA / N · σ(−log_odds) and d log_odds / d mean = ±1 / (1 − exp(mean)):
//   chosen rows:   dlogp = dloss · (−weight / Σ weight − s / (1 − exp(c)) · completion / Σ completion)
//   rejected rows: dlogp = dloss ·                        s / (1 − exp(r)) · completion / Σ completion
//
//   0  dloss         [1]      f32  read
//   1  weightRT      [2N, T]  f32  read
//   2  completionRT  [2N, T]  f32  read
//   3  pairs         [N, 4]   f32  read   c, r, log_odds, log_sigmoid(log_odds)
//   4  dlogpRT       [2N, T]  f32  write
//
// One workgroup per row of 2N. Each sums its own completion tokens and, in chosen rows, all weights (lib/sum_over_lanes).
// Bytes 4·(6·N·T + N²·T), flops 10·N·T: very short.

override N: u32;
override T: u32;
override BETA: f32;

@group(0) @binding(0) var<storage, read> dloss: array<f32>;
@group(0) @binding(1) var<storage, read> weightRT: array<f32>;
@group(0) @binding(2) var<storage, read> completionRT: array<f32>;
@group(0) @binding(3) var<storage, read> pairs: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogpRT: array<f32>;

const HIGHEST = -1e-7;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x;
  let chosen = row < N;
  let pair = row % N;
  var count = 0.0;
  for (var t = lane; t < T; t += LANES) {
    count += completionRT[row * T + t];
  }
  let completions = sum_over_lanes(count, lane);
  var weights = 0.0;
  for (var at = lane; at < N * T; at += LANES) {
    weights += weightRT[at];
  }
  let total = sum_over_lanes(weights, lane);
  let mean = pairs[pair * 4 + select(1u, 0u, chosen)];
  // After the cut-off the odds do not depend on the mean, and only the difference of the means remains.
  var slope = 1.0;
  if (mean < HIGHEST) {
    slope = 1.0 / one_minus_exp(mean);
  }
  let s = BETA / f32(N) * exp(log_sigmoid(-pairs[pair * 4 + 2])) * slope;
  for (var t = lane; t < T; t += LANES) {
    let at = row * T + t;
    let preference = select(s, -s, chosen) * completionRT[at] / completions;
    let likelihood = select(0.0, -weightRT[at] / total, chosen);
    dlogpRT[at] = dloss[0] * (likelihood + preference);
  }
}
