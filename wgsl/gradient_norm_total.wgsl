// norm = √Σ parts: the second stage of the gradient norm.
//
//   0  parts  [PARTS]  f32  read
//   1  norm   [1]      f32  write
//
// One workgroup; its LANES stride over the parts, then add up in a tree of fixed shape (lib/sum_over_lanes). Bytes 4·PARTS: small.

override PARTS: u32;
override NORM_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var squares = 0.0;
  for (var part = lane; part < PARTS; part += LANES) {
    squares += parts[part];
  }
  let sum = sum_over_lanes(squares, lane);
  if (lane == 0) {
    norm[NORM_OFFSET] = sqrt(sum);
  }
}
