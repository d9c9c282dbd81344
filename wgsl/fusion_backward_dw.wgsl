// partial[0, p, i] = Σ ½ dy · a · ra over the p-th ROWS rows, partial[1, p, i] the same of m: the first stage of dwa and dwm.
//
//   0  dyRI       [R, I]         f32  read   rows DY_STRIDE apart
//   1  aRI        [R, I]         f32  read   rows A_STRIDE apart
//   2  mRI        [R, I]         f32  read   rows M_STRIDE apart
//   3  rR2        [R, 2]         f32  read   reciprocal root mean squares of a and of m
//   4  partial2PI [2, parts, I]  f32  write
//
// One invocation a column and a block of ROWS rows; neighbours read neighbours. Bytes 12·R·I, flops 8·R·I: bound by memory.

override R: u32;
override I: u32;
override ROWS: u32;
override DY_OFFSET: u32 = 0;
override DY_STRIDE: u32;
override A_OFFSET: u32 = 0;
override A_STRIDE: u32;
override M_OFFSET: u32 = 0;
override M_STRIDE: u32;

@group(0) @binding(0) var<storage, read> dyRI: array<f32>;
@group(0) @binding(1) var<storage, read> aRI: array<f32>;
@group(0) @binding(2) var<storage, read> mRI: array<f32>;
@group(0) @binding(3) var<storage, read> rR2: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial2PI: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x;
  if (i >= I) {
    return;
  }
  let last = min((id.y + 1) * ROWS, R);
  var sums = vec2f(0.0);
  for (var row = id.y * ROWS; row < last; row++) {
    let n = vec2f(aRI[A_OFFSET + row * A_STRIDE + i] * rR2[2 * row], mRI[M_OFFSET + row * M_STRIDE + i] * rR2[2 * row + 1]);
    sums += 0.5 * dyRI[DY_OFFSET + row * DY_STRIDE + i] * n;
  }
  partial2PI[id.y * I + i] = sums.x;
  partial2PI[(groups.y + id.y) * I + i] = sums.y;
}
