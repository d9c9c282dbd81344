// loss = −Σ weight · logp / Σ weight
//
//   0  logpR    [R]  f32  read
//   1  weightR  [R]  f32  read
//   2  loss     [1]  f32  write
//
// One workgroup; its LANES stride over R, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 8·R, flops 3·R: very short, bound by the latency of one workgroup.

override R: u32;

@group(0) @binding(0) var<storage, read> logpR: array<f32>;
@group(0) @binding(1) var<storage, read> weightR: array<f32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var weighted = 0.0;
  var weights = 0.0;
  for (var r = lane; r < R; r += LANES) {
    weighted += weightR[r] * logpR[r];
    weights += weightR[r];
  }
  let total = sum_over_lanes(weighted, lane);
  let count = sum_over_lanes(weights, lane);
  if (lane == 0) {
    loss[0] = -total / count;
  }
}
