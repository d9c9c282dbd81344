// y = silu(bias + Σ_j w[:, j] · input[j]), where input is the J − 1 rows of the state, then x. Then the state drops its
// oldest row and appends x.
//
//   0  xBI    [B, 1, I]      f32  read            rows X_STRIDE apart
//   1  wIJ    [I, J]         f32  read
//   2  biasI  [I]            f32  read            zero unless HAS_BIAS
//   3  yBI    [B, 1, I]      f32  write           rows Y_STRIDE apart
//   4  state  [B, J − 1, I]  f32  read and write  oldest first; one unused element when J is 1
//
// One invocation per channel of a sequence; neighbouring invocations have neighbouring channels. Bytes 4·B·I·(2·J + 1), flops B·I·(2·J + 4): bound by
// memory.

override I: u32;
override J: u32;
override HAS_BIAS: bool;
override X_OFFSET: u32 = 0;
override X_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override Y_STRIDE: u32;

@group(0) @binding(0) var<storage, read> xBI: array<f32>;
@group(0) @binding(1) var<storage, read> wIJ: array<f32>;
@group(0) @binding(2) var<storage, read> biasI: array<f32>;
@group(0) @binding(3) var<storage, read_write> yBI: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let b = id.y;
  if (i >= I) {
    return;
  }
  var pre = 0.0;
  if (HAS_BIAS) {
    pre = biasI[i];
  }
  let x = xBI[X_OFFSET + b * X_STRIDE + i];
  for (var j = 0u; j + 1 < J; j++) {
    let at = (b * (J - 1) + j) * I + i;
    pre = fma(wIJ[i * J + j], state[at], pre);
    if (j + 2 < J) {
      state[at] = state[at + I];
    } else {
      state[at] = x;
    }
  }
  pre = fma(wIJ[i * J + J - 1], x, pre);
  yBI[Y_OFFSET + b * Y_STRIDE + i] = pre * sigmoid(pre);
}
