// da = ra · (½ dy·wa − n · mean(½ dy·wa·n)) with n = a · ra over each row; dm likewise.
//
//   0  dyRI  [R, I]  f32  read   rows DY_STRIDE apart
//   1  aRI   [R, I]  f32  read   rows A_STRIDE apart
//   2  mRI   [R, I]  f32  read   rows M_STRIDE apart
//   3  waI   [I]     f32  read
//   4  wmI   [I]     f32  read
//   5  rR2   [R, 2]  f32  read   reciprocal root mean squares of a and of m
//   6  daRI  [R, I]  f32  write  rows DA_STRIDE apart
//   7  dmRI  [R, I]  f32  write  rows DM_STRIDE apart
//   8  run  the block Run
//
// One workgroup per row; its LANES stride over I, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(8·R·I + 2·I), flops 14·R·I: bound by memory.

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
  WA_OFFSET: u32,
  WM_OFFSET: u32,
  DA_OFFSET: u32,
  DA_STRIDE: u32,
  DM_OFFSET: u32,
  DM_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRI: array<f32>;
@group(0) @binding(1) var<storage, read> aRI: array<f32>;
@group(0) @binding(2) var<storage, read> mRI: array<f32>;
@group(0) @binding(3) var<storage, read> waI: array<f32>;
@group(0) @binding(4) var<storage, read> wmI: array<f32>;
@group(0) @binding(5) var<storage, read> rR2: array<f32>;
@group(0) @binding(6) var<storage, read_write> daRI: array<f32>;
@group(0) @binding(7) var<storage, read_write> dmRI: array<f32>;
@group(0) @binding(8) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x;
  if (row >= run.R) {
    return;
  }
  let dy0 = run.DY_OFFSET + row * run.DY_STRIDE;
  let a0 = run.A_OFFSET + row * run.A_STRIDE;
  let m0 = run.M_OFFSET + row * run.M_STRIDE;
  let r = vec2f(rR2[2 * row], rR2[2 * row + 1]);
  var dots = vec2f(0.0);
  for (var i = lane; i < I; i += LANES) {
    let g = 0.5 * dyRI[dy0 + i] * vec2f(waI[run.WA_OFFSET + i], wmI[run.WM_OFFSET + i]);
    dots += g * vec2f(aRI[a0 + i], mRI[m0 + i]) * r;
  }
  let means = vec2f(sum_over_lanes(dots.x, lane), sum_over_lanes(dots.y, lane)) / f32(I);
  for (var i = lane; i < I; i += LANES) {
    let g = 0.5 * dyRI[dy0 + i] * vec2f(waI[run.WA_OFFSET + i], wmI[run.WM_OFFSET + i]);
    let d = r * (g - vec2f(aRI[a0 + i], mRI[m0 + i]) * r * means);
    daRI[run.DA_OFFSET + row * run.DA_STRIDE + i] = d.x;
    dmRI[run.DM_OFFSET + row * run.DM_STRIDE + i] = d.y;
  }
}
