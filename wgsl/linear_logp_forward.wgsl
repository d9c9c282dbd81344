// Adds one chunk of the vocabulary to the running softmax of each row. After the last chunk, with
// d = log Σ_{v ≠ target} exp(logit[v]) − logit[target]:  logp = −softplus(d), lse = logit[target] − logp.
// The target is not part of the sum, so that logp stays accurate if the target's probability is near 1.
//
//   0  logitsRC   [R, C]  f32  read            logits of the vocabulary entries V0, …, V0 + C − 1
//   1  targetsR   [R]     u32  read
//   2  runningR3  [R, 3]  f32  read and write  of the other logits: highest so far, Σ exp(logit − highest); then the target's logit
//   3  logpR      [R]     f32  write           with LAST
//   4  lseR       [R]     f32  write           with LAST
//   5  run  the block Run
//
// One workgroup per row; its LANES stride over C, then find the maximum and the sum in trees of fixed shape.
// Bytes 4·R·C, one exponential per logit: bound by memory, or by exp on software adapters.

override FIRST: bool;
override LAST: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  C: u32,
  V0: u32,
}

@group(0) @binding(0) var<storage, read> logitsRC: array<f32>;
@group(0) @binding(1) var<storage, read> targetsR: array<u32>;
@group(0) @binding(2) var<storage, read_write> runningR3: array<f32>;
@group(0) @binding(3) var<storage, read_write> logpR: array<f32>;
@group(0) @binding(4) var<storage, read_write> lseR: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

/// Checks the bits, because compilers may assume that no value is NaN, and max, exp and log of some adapters turn NaN into a number.
/// A logit that is not finite makes logp NaN, because a model with NaN must not appear certain.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x;
  if (row >= run.R) {
    return;
  }
  let target_v = targetsR[row] - run.V0; // at least C (also after wrapping around) if the target is in another chunk
  var lane_highest = -1e30;
  for (var v = lane; v < run.C; v += LANES) {
    if (v != target_v) {
      lane_highest = max(lane_highest, logitsRC[row * run.C + v]);
    }
  }
  var highest = max_over_lanes(lane_highest, lane);
  if (!FIRST) {
    highest = max(highest, runningR3[row * 3]);
  }
  var lane_sum = 0.0;
  for (var v = lane; v < run.C; v += LANES) {
    if (v != target_v) {
      let logit = logitsRC[row * run.C + v];
      lane_sum += select(logit, exp(logit - highest), is_finite(logit));
    }
  }
  var sum = sum_over_lanes(lane_sum, lane);
  if (lane != 0) {
    return;
  }
  var logit = 0.0;
  if (!FIRST) {
    sum += runningR3[row * 3 + 1] * exp(runningR3[row * 3] - highest);
    logit = runningR3[row * 3 + 2];
  }
  if (target_v < run.C) {
    logit = logitsRC[row * run.C + target_v];
  }
  if (LAST) {
    var logp = 0.0;
    if (sum != 0.0) {
      logp = -softplus4(vec4f(highest + log(sum) - logit)).x;
    }
    if (!is_finite(sum) || !is_finite(logit)) {
      logp = bitcast<f32>(bitcast<u32>(logit) | 0x7fc00000u);
    }
    logpR[row] = logp;
    lseR[row] = logit - logp;
  } else {
    runningR3[row * 3] = highest;
    runningR3[row * 3 + 1] = sum;
    runningR3[row * 3 + 2] = logit;
  }
}
