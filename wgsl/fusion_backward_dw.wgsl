// partial[0, p, i] = Σ ½ dy · a · ra over the p-th ROWS rows, partial[1, p, i] the same for m: the first stage of dwa and dwm.
//
//   0  dyRI       [R, I]         f32  read   rows DY_STRIDE apart
//   1  aRI        [R, I]         f32  read   rows A_STRIDE apart
//   2  mRI        [R, I]         f32  read   rows M_STRIDE apart
//   3  rR2        [R, 2]         f32  read   reciprocal root mean squares of a and of m
//   4  partial2PI [2, parts, I]  f32  write
//   5  run  the block Run
//
// One invocation per column and a block of ROWS rows; neighbours read neighbours. Bytes 12·R·I, flops 8·R·I: bound by memory.

override I: u32;
override ROWS: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  A_OFFSET: u32,
  A_STRIDE: u32,
  M_OFFSET: u32,
  M_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRI: array<f32>;
@group(0) @binding(1) var<storage, read> aRI: array<f32>;
@group(0) @binding(2) var<storage, read> mRI: array<f32>;
@group(0) @binding(3) var<storage, read> rR2: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial2PI: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let i = id.x;
  if (i >= I) {
    return;
  }
  let last = min((id.y + 1) * ROWS, run.R);
  var sums = vec2f(0.0);
  for (var row = id.y * ROWS; row < last; row++) {
    let n = vec2f(aRI[run.A_OFFSET + row * run.A_STRIDE + i] * rR2[2 * row], mRI[run.M_OFFSET + row * run.M_STRIDE + i] * rR2[2 * row + 1]);
    sums += 0.5 * dyRI[run.DY_OFFSET + row * run.DY_STRIDE + i] * n;
  }
  partial2PI[id.y * I + i] = sums.x;
  partial2PI[(groups.y + id.y) * I + i] = sums.y;
}
