// partial[p, d] = Σ dy · x · r over the p-th ROWS rows: the first stage of dw, which sum_partials finishes.
//
//   0  dyRD       [R, D]      f32  read   rows DY_STRIDE apart
//   1  xRD        [R, D]      f32  read   rows X_STRIDE apart
//   2  rR         [R]         f32  read
//   3  partialPD  [parts, D]  f32  write
//
// One invocation a column and a block of ROWS rows; neighbours read neighbours. Bytes 8·R·D, flops 3·R·D: bound by memory.

override R: u32;
override D: u32;
override ROWS: u32;
override DY_OFFSET: u32 = 0;
override DY_STRIDE: u32;
override X_OFFSET: u32 = 0;
override X_STRIDE: u32;

@group(0) @binding(0) var<storage, read> dyRD: array<f32>;
@group(0) @binding(1) var<storage, read> xRD: array<f32>;
@group(0) @binding(2) var<storage, read> rR: array<f32>;
@group(0) @binding(3) var<storage, read_write> partialPD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let d = id.x;
  if (d >= D) {
    return;
  }
  let last = min((id.y + 1) * ROWS, R);
  var sum = 0.0;
  for (var row = id.y * ROWS; row < last; row++) {
    sum += dyRD[DY_OFFSET + row * DY_STRIDE + d] * xRD[X_OFFSET + row * X_STRIDE + d] * rR[row];
  }
  partialPD[id.y * D + d] = sum;
}
