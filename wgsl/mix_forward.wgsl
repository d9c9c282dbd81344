// y = a + m; with GATED y = s · a + (1 − s) · m, s = sigmoid(g).
//
//   0  aRI  [R, I]  f32  read   rows A_STRIDE apart
//   1  mRI  [R, I]  f32  read   rows M_STRIDE apart
//   2  g1   [1]     f32  read   at G_OFFSET; only with GATED
//   3  yRI  [R, I]  f32  write  rows Y_STRIDE apart
//   4  run  the block Run
//
// One invocation per element of y; neighbours read neighbours. Bytes 12·R·I, flops at most 3·R·I: bound by memory.

override I: u32;
override GATED: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  M_OFFSET: u32,
  M_STRIDE: u32,
  G_OFFSET: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> aRI: array<f32>;
@group(0) @binding(1) var<storage, read> mRI: array<f32>;
@group(0) @binding(2) var<storage, read> g1: array<f32>;
@group(0) @binding(3) var<storage, read_write> yRI: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / I;
  let i = at % I;
  if (row >= run.R) {
    return;
  }
  var weights = vec2f(1.0);
  if (GATED) {
    weights = vec2f(sigmoid(g1[run.G_OFFSET]), sigmoid(-g1[run.G_OFFSET]));
  }
  yRI[run.Y_OFFSET + row * run.Y_STRIDE + i] = weights.x * aRI[run.A_OFFSET + row * run.A_STRIDE + i] + weights.y * mRI[run.M_OFFSET + row * run.M_STRIDE + i];
}
