// Copies the scan's inputs such that positions from count[b] on do not change the state: their raw step size is so low that softplus gives zero, or
// it is zero without SOFTPLUS.
//
//   0  udtBT2I  [B, T, 2, I]  f32  read   u, then raw; rows UDT_STRIDE apart
//   1  countB   [B]           u32  read
//   2  dtBiasI  [I]           f32  read   zero unless HAS_BIAS
//   3  outBT2I  [B, T, 2, I]  f32  write
//   4  run                    the block Run
//
// One invocation per column of a row; neighbours read neighbours. Bytes 16·B·T·I, no flops: bound by memory.

override I: u32;
override SOFTPLUS: bool;
override HAS_BIAS: bool;

struct Run {
  T: u32,
  UDT_OFFSET: u32,
  UDT_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> udtBT2I: array<f32>;
@group(0) @binding(1) var<storage, read> countB: array<u32>;
@group(0) @binding(2) var<storage, read> dtBiasI: array<f32>;
@group(0) @binding(3) var<storage, read_write> outBT2I: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let t = id.y;
  let b = id.z;
  if (column >= 2 * I) {
    return;
  }
  var value = udtBT2I[run.UDT_OFFSET + (b * run.T + t) * run.UDT_STRIDE + column];
  if (t >= countB[b]) {
    value = 0.0;
    if (column >= I) {
      if (SOFTPLUS) {
        value = -1e30;
      } else if (HAS_BIAS) {
        value = -dtBiasI[column - I];
      }
    }
  }
  outBT2I[(b * run.T + t) * 2 * I + column] = value;
}
