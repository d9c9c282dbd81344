// x[b] = meta[position[b]] while position[b] < M, then table[token[b]].
//
//   0  tokenB    [B]        u32  read   below V
//   1  position  [B]        u32  read   counted with the meta tokens
//   2  tableVD   [V, D]     f32  read
//   3  metaMD    [M, D]     f32  read   ignored when M is 0
//   4  xBD       [B, 1, D]  f32  write
//
// One invocation per element of x; neighbours read neighbours. Bytes 8·B·D, no flops: bound by memory.

override B: u32;
override M: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> tokenB: array<u32>;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read> tableVD: array<f32>;
@group(0) @binding(3) var<storage, read> metaMD: array<f32>;
@group(0) @binding(4) var<storage, read_write> xBD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = id.x / D;
  let d = id.x % D;
  if (b >= B) {
    return;
  }
  if (position[b] < M) {
    xBD[id.x] = metaMD[position[b] * D + d];
  } else {
    xBD[id.x] = tableVD[tokenB[b] * D + d];
  }
}
