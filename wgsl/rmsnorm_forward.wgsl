// This folder: the GPU kernels.
//
// sum = x + delta (or x alone), y = sum · r · w with r = (mean(sum²) + EPS)^-½ over each row; r is kept for the backward pass.
//
//   0  xRD      [R, D]  f32  read   rows X_STRIDE apart
//   1  deltaRD  [R, D]  f32  read   ignored unless HAS_DELTA
//   2  wD       [D]     f32  read
//   3  sumRD    [R, D]  f32  write  only with HAS_DELTA
//   4  yRD      [R, D]  f32  write  rows Y_STRIDE apart
//   5  rR       [R]     f32  write
//   6  run  the block Run
//
// One workgroup per row; its LANES stride over the Vecs of D (lib/vec4 or lib/vec1), then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(4·R·D + D + R) with delta, flops 4·R·D: bound by memory.

override EPS: f32;
override HAS_DELTA: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  D: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xRD: array<Vec>;
@group(0) @binding(1) var<storage, read> deltaRD: array<Vec>;
@group(0) @binding(2) var<storage, read> wD: array<Vec>;
@group(0) @binding(3) var<storage, read_write> sumRD: array<Vec>;
@group(0) @binding(4) var<storage, read_write> yRD: array<Vec>;
@group(0) @binding(5) var<storage, read_write> rR: array<f32>;
@group(0) @binding(6) var<uniform> run: Run;

fn sum_at(run: Run, row: u32, d: u32) -> Vec {
  var value = xRD[(run.X_OFFSET + row * run.X_STRIDE) / WIDTH + d];
  if (HAS_DELTA) {
    value += deltaRD[row * run.D / WIDTH + d];
  }
  return value;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x; // rows after 65,535 continue in y
  if (row >= run.R) {
    return;
  }
  var squares = 0.0;
  for (var d = lane; d < run.D / WIDTH; d += LANES) {
    let value = sum_at(run, row, d);
    squares = multiply_add(value, value, squares);
  }
  let r = inverseSqrt(sum_over_lanes(squares, lane) / f32(run.D) + EPS);
  for (var d = lane; d < run.D / WIDTH; d += LANES) {
    let value = sum_at(run, row, d);
    if (HAS_DELTA) {
      sumRD[row * run.D / WIDTH + d] = value;
    }
    yRD[(run.Y_OFFSET + row * run.Y_STRIDE) / WIDTH + d] = value * r * wD[d];
  }
  if (lane == 0) {
    rR[row] = r;
  }
}
