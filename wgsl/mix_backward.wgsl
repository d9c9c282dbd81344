// da = s · dy, dm = (1 − s) · dy with s = sigmoid(g); partial[row] = s (1 − s) Σ_i dy · (a − m), whose sum is dg.
//
//   0  dyRI      [R, I]  f32  read   rows DY_STRIDE apart
//   1  aRI       [R, I]  f32  read   rows A_STRIDE apart
//   2  mRI       [R, I]  f32  read   rows M_STRIDE apart
//   3  g1        [1]     f32  read   at G_OFFSET
//   4  daRI      [R, I]  f32  write  rows DA_STRIDE apart
//   5  dmRI      [R, I]  f32  write  rows DM_STRIDE apart
//   6  partialR  [R]     f32  write
//   7  run  the block Run
//
// One workgroup per row; its LANES stride over I, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 20·R·I, flops 5·R·I: bound by memory.

override I: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  M_OFFSET: u32,
  M_STRIDE: u32,
  G_OFFSET: u32,
  DA_OFFSET: u32,
  DA_STRIDE: u32,
  DM_OFFSET: u32,
  DM_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRI: array<f32>;
@group(0) @binding(1) var<storage, read> aRI: array<f32>;
@group(0) @binding(2) var<storage, read> mRI: array<f32>;
@group(0) @binding(3) var<storage, read> g1: array<f32>;
@group(0) @binding(4) var<storage, read_write> daRI: array<f32>;
@group(0) @binding(5) var<storage, read_write> dmRI: array<f32>;
@group(0) @binding(6) var<storage, read_write> partialR: array<f32>;
@group(0) @binding(7) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x;
  if (row >= run.R) {
    return;
  }
  let s = vec2f(sigmoid(g1[run.G_OFFSET]), sigmoid(-g1[run.G_OFFSET]));
  var dot = 0.0;
  for (var i = lane; i < I; i += LANES) {
    let dy = dyRI[run.DY_OFFSET + row * run.DY_STRIDE + i];
    dot += dy * (aRI[run.A_OFFSET + row * run.A_STRIDE + i] - mRI[run.M_OFFSET + row * run.M_STRIDE + i]);
    daRI[run.DA_OFFSET + row * run.DA_STRIDE + i] = s.x * dy;
    dmRI[run.DM_OFFSET + row * run.DM_STRIDE + i] = s.y * dy;
  }
  let total = sum_over_lanes(dot, lane);
  if (lane == 0) {
    partialR[row] = s.x * s.y * total;
  }
}
