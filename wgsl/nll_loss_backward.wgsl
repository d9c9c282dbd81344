// dlogp = −dloss · weight / Σ weight
//
//   0  dloss    [1]  f32  read
//   1  weightR  [R]  f32  read
//   2  dlogpR   [R]  f32  write
//
// One workgroup: the sum of the weights first (lib/sum_over_lanes), then its LANES stride over R once more.
// Bytes 12·R, flops 3·R: very short, bound by the latency of one workgroup.

override R: u32;

@group(0) @binding(0) var<storage, read> dloss: array<f32>;
@group(0) @binding(1) var<storage, read> weightR: array<f32>;
@group(0) @binding(2) var<storage, read_write> dlogpR: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var weights = 0.0;
  for (var r = lane; r < R; r += LANES) {
    weights += weightR[r];
  }
  let scale = -dloss[0] / sum_over_lanes(weights, lane);
  for (var r = lane; r < R; r += LANES) {
    dlogpR[r] = scale * weightR[r];
  }
}
