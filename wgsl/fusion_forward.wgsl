// y = ½ (wa · ra · a + wm · rm · m) with ra = (mean(a²) + EPS)^-½ over each row, rm likewise; both are kept for the backward pass.
//
//   0  aRI   [R, I]  f32  read   rows A_STRIDE apart
//   1  mRI   [R, I]  f32  read   rows M_STRIDE apart
//   2  waI   [I]     f32  read
//   3  wmI   [I]     f32  read
//   4  yRI   [R, I]  f32  write  rows Y_STRIDE apart
//   5  rR2   [R, 2]  f32  write  ra, rm
//   6  run  the block Run
//
// One workgroup per row; its LANES stride over I, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(5·R·I + 2·I), flops 8·R·I: bound by memory.

override I: u32;
override EPS: f32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  M_OFFSET: u32,
  M_STRIDE: u32,
  WA_OFFSET: u32,
  WM_OFFSET: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> aRI: array<f32>;
@group(0) @binding(1) var<storage, read> mRI: array<f32>;
@group(0) @binding(2) var<storage, read> waI: array<f32>;
@group(0) @binding(3) var<storage, read> wmI: array<f32>;
@group(0) @binding(4) var<storage, read_write> yRI: array<f32>;
@group(0) @binding(5) var<storage, read_write> rR2: array<f32>;
@group(0) @binding(6) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x;
  if (row >= run.R) {
    return;
  }
  let a0 = run.A_OFFSET + row * run.A_STRIDE;
  let m0 = run.M_OFFSET + row * run.M_STRIDE;
  var squares = vec2f(0.0);
  for (var i = lane; i < I; i += LANES) {
    let value = vec2f(aRI[a0 + i], mRI[m0 + i]);
    squares += value * value;
  }
  let ra = inverseSqrt(sum_over_lanes(squares.x, lane) / f32(I) + EPS);
  let rm = inverseSqrt(sum_over_lanes(squares.y, lane) / f32(I) + EPS);
  for (var i = lane; i < I; i += LANES) {
    yRI[run.Y_OFFSET + row * run.Y_STRIDE + i] = 0.5 * (waI[run.WA_OFFSET + i] * ra * aRI[a0 + i] + wmI[run.WM_OFFSET + i] * rm * mRI[m0 + i]);
  }
  if (lane == 0) {
    rR2[2 * row] = ra;
    rR2[2 * row + 1] = rm;
  }
}
