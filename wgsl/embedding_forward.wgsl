// x[b, m] = meta[m] for m < M, x[b, M + t] = table[ids[b, t]].
//
//   0  idsBT    [B, T]         u32  read   below V
//   1  tableVD  [V, D]         f32  read
//   2  metaMD   [M, D]         f32  read   ignored when M is 0
//   3  xBSD     [B, M + T, D]  f32  write
//   4  run  the block Run
//
// One invocation per element of x; neighbours read neighbours. Bytes 8·B·(M + T)·D, no flops: bound by memory.

override D: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  M: u32,
  TABLE_OFFSET: u32,
  META_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read> idsBT: array<u32>;
@group(0) @binding(1) var<storage, read> tableVD: array<f32>;
@group(0) @binding(2) var<storage, read> metaMD: array<f32>;
@group(0) @binding(3) var<storage, read_write> xBSD: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / D;
  let d = at % D;
  let b = row / (run.M + run.T);
  let s = row % (run.M + run.T);
  if (b >= run.B) {
    return;
  }
  if (s < run.M) {
    xBSD[at] = metaMD[run.META_OFFSET + s * D + d];
  } else {
    xBSD[at] = tableVD[run.TABLE_OFFSET + idsBT[b * run.T + s - run.M] * D + d];
  }
}
