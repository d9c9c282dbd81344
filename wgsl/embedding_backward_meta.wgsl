// dmeta[m] = Σ_b dx[b, m].
//
//   0  dxBSD    [B, M + T, D]  f32  read
//   1  dmetaMD  [M, D]         f32  write
//
// One invocation an element of dmeta; neighbours read neighbours. Bytes 4·(B + 1)·M·D, flops B·M·D: bound by memory.

override B: u32;
override T: u32;
override M: u32;
override D: u32;
override DX_OFFSET: u32 = 0;
override DX_STRIDE: u32;
override DMETA_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read> dxBSD: array<f32>;
@group(0) @binding(1) var<storage, read_write> dmetaMD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = id.x / D;
  let d = id.x % D;
  if (m >= M) {
    return;
  }
  var sum = 0.0;
  for (var b = 0u; b < B; b++) {
    sum += dxBSD[DX_OFFSET + (b * (M + T) + m) * DX_STRIDE + d];
  }
  dmetaMD[DMETA_OFFSET + id.x] = sum;
}
