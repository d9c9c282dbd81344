// dx = r · (g − n · mean(g · n)) + dsum with g = dy · w and n = x · r over each row.
//
//   0  dyRD    [R, D]  f32  read   rows DY_STRIDE apart
//   1  xRD     [R, D]  f32  read   rows X_STRIDE apart; the sum that the forward pass normalised
//   2  wD      [D]     f32  read
//   3  rR      [R]     f32  read   reciprocal root mean square of each row of x
//   4  dsumRD  [R, D]  f32  read   the gradient of the sum from later layers; ignored unless HAS_DSUM
//   5  dxRD    [R, D]  f32  write  rows DX_STRIDE apart
//   6  run  the block Run
//
// One workgroup per row; its LANES stride over the Vecs of D (lib/vec4 or lib/vec1), then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·(4·R·D + D + R) with dsum, flops 8·R·D: bound by memory.

override HAS_DSUM: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  D: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  DX_OFFSET: u32,
  DX_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRD: array<Vec>;
@group(0) @binding(1) var<storage, read> xRD: array<Vec>;
@group(0) @binding(2) var<storage, read> wD: array<Vec>;
@group(0) @binding(3) var<storage, read> rR: array<f32>;
@group(0) @binding(4) var<storage, read> dsumRD: array<Vec>;
@group(0) @binding(5) var<storage, read_write> dxRD: array<Vec>;
@group(0) @binding(6) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let row = group.y * groups.x + group.x;
  if (row >= run.R) {
    return;
  }
  let dy0 = (run.DY_OFFSET + row * run.DY_STRIDE) / WIDTH;
  let x0 = (run.X_OFFSET + row * run.X_STRIDE) / WIDTH;
  let dx0 = (run.DX_OFFSET + row * run.DX_STRIDE) / WIDTH;
  let r = rR[row];
  var dot = 0.0;
  for (var d = lane; d < run.D / WIDTH; d += LANES) {
    dot = multiply_add(dyRD[dy0 + d] * wD[d], xRD[x0 + d] * r, dot);
  }
  let mean = sum_over_lanes(dot, lane) / f32(run.D);
  for (var d = lane; d < run.D / WIDTH; d += LANES) {
    var dx = r * (dyRD[dy0 + d] * wD[d] - xRD[x0 + d] * r * mean);
    if (HAS_DSUM) {
      dx += dsumRD[row * run.D / WIDTH + d];
    }
    dxRD[dx0 + d] = dx;
  }
}
