// dx = r · (g − n · mean(g · n)) + dsum with g = dy · w and n = x · r over each row.
//
//   0  dyRD    [R, D]  f32  read   rows DY_STRIDE apart
//   1  xRD     [R, D]  f32  read   rows X_STRIDE apart; the sum that the forward pass normalised
//   2  wD      [D]     f32  read
//   3  rR      [R]     f32  read   reciprocal root mean square of each row of x
//   4  dsumRD  [R, D]  f32  read   what later layers sent to the sum; ignored unless HAS_DSUM
//   5  dxRD    [R, D]  f32  write  rows DX_STRIDE apart
//
// One workgroup a row; its LANES stride over D, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(4·R·D + D + R) with dsum, flops 8·R·D: bound by memory.

override R: u32;
override D: u32;
override HAS_DSUM: bool;
override DY_OFFSET: u32 = 0;
override DY_STRIDE: u32;
override X_OFFSET: u32 = 0;
override X_STRIDE: u32;
override DX_OFFSET: u32 = 0;
override DX_STRIDE: u32;

@group(0) @binding(0) var<storage, read> dyRD: array<f32>;
@group(0) @binding(1) var<storage, read> xRD: array<f32>;
@group(0) @binding(2) var<storage, read> wD: array<f32>;
@group(0) @binding(3) var<storage, read> rR: array<f32>;
@group(0) @binding(4) var<storage, read> dsumRD: array<f32>;
@group(0) @binding(5) var<storage, read_write> dxRD: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= R) {
    return;
  }
  let dy0 = DY_OFFSET + row * DY_STRIDE;
  let x0 = X_OFFSET + row * X_STRIDE;
  let r = rR[row];
  var dot = 0.0;
  for (var d = lane; d < D; d += LANES) {
    dot += dyRD[dy0 + d] * wD[d] * xRD[x0 + d] * r;
  }
  let mean = sum_over_lanes(dot, lane) / f32(D);
  for (var d = lane; d < D; d += LANES) {
    var dx = r * (dyRD[dy0 + d] * wD[d] - xRD[x0 + d] * r * mean);
    if (HAS_DSUM) {
      dx += dsumRD[row * D + d];
    }
    dxRD[DX_OFFSET + row * DX_STRIDE + d] = dx;
  }
}
