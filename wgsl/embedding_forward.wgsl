// x[b, m] = meta[m] for m < M, x[b, M + t] = table[ids[b, t]].
//
//   0  idsBT    [B, T]         u32  read   below V
//   1  tableVD  [V, D]         f32  read
//   2  metaMD   [M, D]         f32  read   ignored when M is 0
//   3  xBSD     [B, M + T, D]  f32  write
//
// One invocation an element of x; neighbours read neighbours. Bytes 8·B·(M + T)·D, no flops: bound by memory.

override B: u32;
override T: u32;
override M: u32;
override D: u32;
override TABLE_OFFSET: u32 = 0;
override META_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read> idsBT: array<u32>;
@group(0) @binding(1) var<storage, read> tableVD: array<f32>;
@group(0) @binding(2) var<storage, read> metaMD: array<f32>;
@group(0) @binding(3) var<storage, read_write> xBSD: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  let d = at % D;
  let b = row / (M + T);
  let s = row % (M + T);
  if (b >= B) {
    return;
  }
  if (s < M) {
    xBSD[at] = metaMD[META_OFFSET + s * D + d];
  } else {
    xBSD[at] = tableVD[TABLE_OFFSET + idsBT[b * T + s - M] * D + d];
  }
}
