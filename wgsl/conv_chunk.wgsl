// y[t] = silu(bias + Σ_j w[:, j] · input[t − (J − 1) + j]); the inputs before the chunk are the J − 1 rows of the state.
//
//   0  xBTI    [B, T, I]      f32  read   rows X_STRIDE apart
//   1  wIJ     [I, J]         f32  read
//   2  biasI   [I]            f32  read   zero unless HAS_BIAS
//   3  state   [B, J − 1, I]  f32  read   oldest first; one unused element when J is 1
//   4  yBTI    [B, T, I]      f32  write  rows Y_STRIDE apart
//   5  run                    the block Run
//
// One invocation per channel and position; neighbouring invocations have neighbouring channels. Bytes 8·B·T·I, the J − 1 other inputs come
// from caches; flops B·T·I·(2·J + 4): bound by memory.

override I: u32;
override J: u32;
override HAS_BIAS: bool;

struct Run {
  T: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xBTI: array<f32>;
@group(0) @binding(1) var<storage, read> wIJ: array<f32>;
@group(0) @binding(2) var<storage, read> biasI: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> yBTI: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let t = id.y;
  let b = id.z;
  if (i >= I) {
    return;
  }
  var pre = 0.0;
  if (HAS_BIAS) {
    pre = biasI[i];
  }
  for (var j = 0u; j < J; j++) {
    let at = t + j; // counted from the first row of the state
    if (at + 1 < J) {
      pre = fma(wIJ[i * J + j], state[(b * (J - 1) + at) * I + i], pre);
    } else {
      pre = fma(wIJ[i * J + j], xBTI[run.X_OFFSET + (b * run.T + at + 1 - J) * run.X_STRIDE + i], pre);
    }
  }
  yBTI[run.Y_OFFSET + (b * run.T + t) * run.Y_STRIDE + i] = pre * sigmoid(pre);
}
