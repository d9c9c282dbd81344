// dtable[id] = Σ dx over the positions of id, in order. With ACCUMULATE the sum is added to dtable. Rows whose id does not occur do not change.
//
//   0  idsBT     [B, T]         u32  read
//   1  chainP2   [B·T, 2]       u32  read   next position with the same id, whether it is the first (embedding_chain)
//   2  dxBSD     [B, M + T, D]  f32  read
//   3  dtableVD  [V, D]         f32  write, or read and write with ACCUMULATE
//   4  run  the block Run
//
// One workgroup per position. The one of an id's first occurrence follows the chain; its lanes stride over D.
// Bytes 4·B·T·D + 4·(different ids)·D, flops B·T·D: bound by memory.

override D: u32;
override ACCUMULATE: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  M: u32,
  DX_OFFSET: u32,
  DX_STRIDE: u32,
  DTABLE_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read> idsBT: array<u32>;
@group(0) @binding(1) var<storage, read> chainP2: array<u32>;
@group(0) @binding(2) var<storage, read> dxBSD: array<f32>;
@group(0) @binding(3) var<storage, read_write> dtableVD: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let first = group.y * groups.x + group.x;
  if (first >= run.B * run.T || chainP2[2 * first + 1] == 0) {
    return;
  }
  let row = run.DTABLE_OFFSET + idsBT[first] * D;
  for (var d = lane; d < D; d += 64) {
    var sum = 0.0;
    for (var p = first; p < run.B * run.T; p = chainP2[2 * p]) {
      sum += dxBSD[run.DX_OFFSET + (p / run.T * (run.M + run.T) + run.M + p % run.T) * run.DX_STRIDE + d];
    }
    if (ACCUMULATE) {
      sum += dtableVD[row + d];
    }
    dtableVD[row + d] = sum;
  }
}
