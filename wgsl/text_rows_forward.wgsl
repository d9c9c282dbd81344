// y[b, t] = x[b, M + t]: the meta tokens are cut off.
//
//   0  xBSD  [B, M + T, D]  f32  read   rows X_STRIDE apart
//   1  yBTD  [B, T, D]      f32  write  rows Y_STRIDE apart
//
// One invocation an element of y; neighbours read neighbours. Bytes 8·B·T·D: bound by memory.

override B: u32;
override T: u32;
override M: u32;
override D: u32;
override X_OFFSET: u32 = 0;
override X_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override Y_STRIDE: u32;

@group(0) @binding(0) var<storage, read> xBSD: array<f32>;
@group(0) @binding(1) var<storage, read_write> yBTD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  if (row >= B * T) {
    return;
  }
  yBTD[Y_OFFSET + row * Y_STRIDE + at % D] = xBSD[X_OFFSET + (row / T * (M + T) + M + row % T) * X_STRIDE + at % D];
}
