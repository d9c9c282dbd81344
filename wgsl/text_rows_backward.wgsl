// dx[b, M + t] = dy[b, t], and zero in the first M rows of each b.
//
//   0  dyBTD  [B, T, D]      f32  read   rows DY_STRIDE apart
//   1  dxBSD  [B, M + T, D]  f32  write  rows DX_STRIDE apart
//
// One invocation an element of dx; neighbours read neighbours. Bytes 8·B·T·D: bound by memory.

override B: u32;
override T: u32;
override M: u32;
override D: u32;
override DY_OFFSET: u32 = 0;
override DY_STRIDE: u32;
override DX_OFFSET: u32 = 0;
override DX_STRIDE: u32;

@group(0) @binding(0) var<storage, read> dyBTD: array<f32>;
@group(0) @binding(1) var<storage, read_write> dxBSD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  let b = row / (M + T);
  let s = row % (M + T);
  if (b >= B) {
    return;
  }
  var value = 0.0;
  if (s >= M) {
    value = dyBTD[DY_OFFSET + (b * T + s - M) * DY_STRIDE + at % D];
  }
  dxBSD[DX_OFFSET + row * DX_STRIDE + at % D] = value;
}
