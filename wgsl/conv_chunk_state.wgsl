// Advances the state of conv_chunk by count[b] positions: afterwards it has the last J − 1 inputs of each sequence.
//
//   0  xBTI    [B, T, I]      f32  read            rows X_STRIDE apart
//   1  countB  [B]            u32  read
//   2  state   [B, J − 1, I]  f32  read and write  oldest first
//   3  run                    the block Run
//
// One invocation per channel of a sequence. Rows are copied from the oldest to the newest, so no row is overwritten before it is read.
// Bytes 8·B·I·(J − 1), no flops: bound by memory.

override I: u32;
override J: u32;

struct Run {
  T: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xBTI: array<f32>;
@group(0) @binding(1) var<storage, read> countB: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let b = id.y;
  if (i >= I) {
    return;
  }
  for (var j = 0u; j + 1 < J; j++) {
    let source = countB[b] + j; // counted from the first row of the state
    let to = (b * (J - 1) + j) * I + i;
    if (source + 1 < J) {
      state[to] = state[(b * (J - 1) + source) * I + i];
    } else {
      state[to] = xBTI[run.X_OFFSET + (b * run.T + source + 1 - J) * run.X_STRIDE + i];
    }
  }
}
