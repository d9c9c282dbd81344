// out[n] = Σ_part partial[part, n], added in the order of the parts: the second stage of sums that cross workgroups.
//
//   0  partialPN  [PARTS, N]  f32  read
//   1  outN       [N]         f32  write, or read and write with ACCUMULATE
//
// One invocation an n; neighbours read neighbours. Bytes 4·(PARTS + 1)·N, flops PARTS·N: bound by memory.

override N: u32;
override PARTS: u32;
override ACCUMULATE: bool = false;
override OUT_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read> partialPN: array<f32>;
@group(0) @binding(1) var<storage, read_write> outN: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x;
  if (n >= N) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < PARTS; part++) {
    sum += partialPN[part * N + n];
  }
  if (ACCUMULATE) {
    sum += outN[OUT_OFFSET + n];
  }
  outN[OUT_OFFSET + n] = sum;
}
