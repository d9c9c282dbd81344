// da = s · dy, dm = (1 − s) · dy with s = sigmoid(g); partial[row] = s (1 − s) Σ_i dy · (a − m), whose sum is dg.
//
//   0  dyRI      [R, I]  f32  read   rows DY_STRIDE apart
//   1  aRI       [R, I]  f32  read   rows A_STRIDE apart
//   2  mRI       [R, I]  f32  read   rows M_STRIDE apart
//   3  g1        [1]     f32  read   at G_OFFSET
//   4  daRI      [R, I]  f32  write  rows DA_STRIDE apart
//   5  dmRI      [R, I]  f32  write  rows DM_STRIDE apart
//   6  partialR  [R]     f32  write
//
// One workgroup a row; its LANES stride over I, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 20·R·I, flops 5·R·I: bound by memory.

override R: u32;
override I: u32;
override DY_OFFSET: u32 = 0;
override DY_STRIDE: u32;
override A_OFFSET: u32 = 0;
override A_STRIDE: u32;
override M_OFFSET: u32 = 0;
override M_STRIDE: u32;
override G_OFFSET: u32 = 0;
override DA_OFFSET: u32 = 0;
override DA_STRIDE: u32;
override DM_OFFSET: u32 = 0;
override DM_STRIDE: u32;

@group(0) @binding(0) var<storage, read> dyRI: array<f32>;
@group(0) @binding(1) var<storage, read> aRI: array<f32>;
@group(0) @binding(2) var<storage, read> mRI: array<f32>;
@group(0) @binding(3) var<storage, read> g1: array<f32>;
@group(0) @binding(4) var<storage, read_write> daRI: array<f32>;
@group(0) @binding(5) var<storage, read_write> dmRI: array<f32>;
@group(0) @binding(6) var<storage, read_write> partialR: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= R) {
    return;
  }
  let s = vec2f(sigmoid(g1[G_OFFSET]), sigmoid(-g1[G_OFFSET]));
  var dot = 0.0;
  for (var i = lane; i < I; i += LANES) {
    let dy = dyRI[DY_OFFSET + row * DY_STRIDE + i];
    dot += dy * (aRI[A_OFFSET + row * A_STRIDE + i] - mRI[M_OFFSET + row * M_STRIDE + i]);
    daRI[DA_OFFSET + row * DA_STRIDE + i] = s.x * dy;
    dmRI[DM_OFFSET + row * DM_STRIDE + i] = s.y * dy;
  }
  let total = sum_over_lanes(dot, lane);
  if (lane == 0) {
    partialR[row] = s.x * s.y * total;
  }
}
