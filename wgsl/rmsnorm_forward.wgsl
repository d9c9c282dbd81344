// sum = x + delta (or x alone), y = sum · r · w with r = (mean(sum²) + EPS)^-½ over each row; r is kept for the backward pass.
//
//   0  xRD      [R, D]  f32  read   rows X_STRIDE apart
//   1  deltaRD  [R, D]  f32  read   ignored unless HAS_DELTA
//   2  wD       [D]     f32  read
//   3  sumRD    [R, D]  f32  write  only with HAS_DELTA
//   4  yRD      [R, D]  f32  write  rows Y_STRIDE apart
//   5  rR       [R]     f32  write
//
// One workgroup a row; its LANES stride over D, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(4·R·D + D + R) with delta, flops 4·R·D: bound by memory.

override R: u32;
override D: u32;
override EPS: f32;
override HAS_DELTA: bool;
override X_OFFSET: u32 = 0;
override X_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override Y_STRIDE: u32;

@group(0) @binding(0) var<storage, read> xRD: array<f32>;
@group(0) @binding(1) var<storage, read> deltaRD: array<f32>;
@group(0) @binding(2) var<storage, read> wD: array<f32>;
@group(0) @binding(3) var<storage, read_write> sumRD: array<f32>;
@group(0) @binding(4) var<storage, read_write> yRD: array<f32>;
@group(0) @binding(5) var<storage, read_write> rR: array<f32>;

fn sum_at(row: u32, d: u32) -> f32 {
  var value = xRD[X_OFFSET + row * X_STRIDE + d];
  if (HAS_DELTA) {
    value += deltaRD[row * D + d];
  }
  return value;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x; // rows beyond 65,535 continue in y
  if (row >= R) {
    return;
  }
  var squares = 0.0;
  for (var d = lane; d < D; d += LANES) {
    let value = sum_at(row, d);
    squares += value * value;
  }
  let r = inverseSqrt(sum_over_lanes(squares, lane) / f32(D) + EPS);
  for (var d = lane; d < D; d += LANES) {
    let value = sum_at(row, d);
    if (HAS_DELTA) {
      sumRD[row * D + d] = value;
    }
    yRD[Y_OFFSET + row * Y_STRIDE + d] = value * r * wD[d];
  }
  if (lane == 0) {
    rR[row] = r;
  }
}
