// dmeta[m] = Σ_b dx[b, m].
//
//   0  dxBSD    [B, M + T, D]  f32  read
//   1  dmetaMD  [M, D]         f32  write
//   2  run  the block Run
//
// One invocation per element of dmeta; neighbours read neighbours. Bytes 4·(B + 1)·M·D, flops B·M·D: bound by memory.

override D: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  M: u32,
  DX_OFFSET: u32,
  DX_STRIDE: u32,
  DMETA_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read> dxBSD: array<f32>;
@group(0) @binding(1) var<storage, read_write> dmetaMD: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let m = id.x / D;
  let d = id.x % D;
  if (m >= run.M) {
    return;
  }
  var sum = 0.0;
  for (var b = 0u; b < run.B; b++) {
    sum += dxBSD[run.DX_OFFSET + (b * (run.M + run.T) + m) * run.DX_STRIDE + d];
  }
  dmetaMD[run.DMETA_OFFSET + id.x] = sum;
}
