// y[b, t] = x[b, M + t]: the meta tokens are dropped.
//
//   0  xBSD  [B, M + T, D]  f32  read   rows X_STRIDE apart
//   1  yBTD  [B, T, D]      f32  write  rows Y_STRIDE apart
//   2  run  the block Run
//
// One invocation per element of y; neighbours read neighbours. Bytes 8·B·T·D: bound by memory.

override D: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  M: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xBSD: array<f32>;
@group(0) @binding(1) var<storage, read_write> yBTD: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  if (row >= run.B * run.T) {
    return;
  }
  yBTD[run.Y_OFFSET + row * run.Y_STRIDE + at % D] = xBSD[run.X_OFFSET + (row / run.T * (run.M + run.T) + run.M + row % run.T) * run.X_STRIDE + at % D];
}
