// dx[b, M + t] = dy[b, t], and zero in the first M rows of each b.
//
//   0  dyBTD  [B, T, D]      f32  read   rows DY_STRIDE apart
//   1  dxBSD  [B, M + T, D]  f32  write  rows DX_STRIDE apart
//   2  run  the block Run
//
// One invocation per element of dx; neighbours read neighbours. Bytes 8·B·T·D: bound by memory.

override D: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  M: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  DX_OFFSET: u32,
  DX_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyBTD: array<f32>;
@group(0) @binding(1) var<storage, read_write> dxBSD: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  let b = row / (run.M + run.T);
  let s = row % (run.M + run.T);
  if (b >= run.B) {
    return;
  }
  var value = 0.0;
  if (s >= run.M) {
    value = dyBTD[run.DY_OFFSET + (b * run.T + s - run.M) * run.DY_STRIDE + at % D];
  }
  dxBSD[run.DX_OFFSET + row * run.DX_STRIDE + at % D] = value;
}
