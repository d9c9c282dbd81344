// partial[p, d] = Σ dy · x · r over the p-th ROWS rows: the first stage of dw, finished by sum_partials.
//
//   0  dyRD       [R, D]      f32  read   rows DY_STRIDE apart
//   1  xRD        [R, D]      f32  read   rows X_STRIDE apart
//   2  rR         [R]         f32  read
//   3  partialPD  [parts, D]  f32  write
//   4  run  the block Run
//
// One invocation per column and a block of ROWS rows; neighbours read neighbours. Bytes 8·R·D, flops 3·R·D: bound by memory.

override ROWS: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  D: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRD: array<f32>;
@group(0) @binding(1) var<storage, read> xRD: array<f32>;
@group(0) @binding(2) var<storage, read> rR: array<f32>;
@group(0) @binding(3) var<storage, read_write> partialPD: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let d = id.x;
  if (d >= run.D) {
    return;
  }
  let last = min((id.y + 1) * ROWS, run.R);
  var sum = 0.0;
  for (var row = id.y * ROWS; row < last; row++) {
    sum += dyRD[run.DY_OFFSET + row * run.DY_STRIDE + d] * xRD[run.X_OFFSET + row * run.X_STRIDE + d] * rR[row];
  }
  partialPD[id.y * run.D + d] = sum;
}
