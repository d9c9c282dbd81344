// y = silu(pre) with pre[t] = bias + Σ_j w[:, j] · x[t − (J − 1) + j]; positions before the first are zero.
//
//   0  xBTI   [B, T, I]  f32  read   rows X_STRIDE apart
//   1  wIJ    [I, J]     f32  read   J at most 8
//   2  biasI  [I]        f32  read   zero unless HAS_BIAS
//   3  yBTI   [B, T, I]  f32  write  rows Y_STRIDE apart
//   4  run  the block Run
//
// One invocation per channel and block of RUN positions. The last J inputs stay in registers. Neighbouring invocations have neighbouring channels.
// Bytes 8·B·T·I, flops B·T·I·(2·J + 4): bound by memory.

override I: u32;
override J: u32;
override RUN: u32;
override HAS_BIAS: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
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
@group(0) @binding(3) var<storage, read_write> yBTI: array<f32>;
@group(0) @binding(4) var<uniform> run: Run;

fn x_at(run: Run, b: u32, t: i32, i: u32) -> f32 {
  if (t < 0 || t >= i32(run.T)) {
    return 0.0;
  }
  return xBTI[run.X_OFFSET + (b * run.T + u32(t)) * run.X_STRIDE + i];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let i = id.x;
  let t0 = id.y * RUN;
  let b = id.z;
  if (i >= I) {
    return;
  }
  var w: array<f32, 8>;
  var x: array<f32, 8>; // the J inputs that end with the current position
  for (var j = 0u; j < J; j++) {
    w[j] = wIJ[i * J + j];
    x[j] = x_at(run, b, i32(t0 + j) - i32(J), i);
  }
  var bias = 0.0;
  if (HAS_BIAS) {
    bias = biasI[i];
  }
  for (var t = t0; t < min(t0 + RUN, run.T); t++) {
    var pre = bias;
    for (var j = 0u; j < J; j++) {
      if (j + 1 < J) {
        x[j] = x[j + 1];
      } else {
        x[j] = x_at(run, b, i32(t), i);
      }
      pre += w[j] * x[j];
    }
    yBTI[run.Y_OFFSET + (b * run.T + t) * run.Y_STRIDE + i] = pre * sigmoid(pre);
  }
}
