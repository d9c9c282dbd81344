// With dpre = dy · silu′(pre): dx[s] = Σ_j w[:, j] · dpre[s + (J − 1) − j], dw[:, j] = Σ_t dpre[t] · x[t − (J − 1) + j], dbias = Σ_t dpre[t].
//
//   0  dyBTI     [B, T, I]           f32  read   rows DY_STRIDE apart
//   1  xBTI      [B, T, I]           f32  read   rows X_STRIDE apart
//   2  wIJ       [I, J]              f32  read   J at most 8
//   3  biasI     [I]                 f32  read   zero unless HAS_BIAS
//   4  dxBTI     [B, T, I]           f32  write  rows DX_STRIDE apart
//   5  partials  [parts, I, J]       f32  write  partial sums of dw, then at DBIAS_AT those of dbias [parts, I]; for sum_partials
//   6  run  the block Run
//
// One invocation per channel and block of RUN positions (a part). It continues for J − 1 more positions, because dx needs later gradients.
// Bytes 12·B·T·I, flops B·T·I·(6·J + 10): bound by memory.

override I: u32;
override J: u32;
override RUN: u32;
override HAS_BIAS: bool;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  T: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  DX_OFFSET: u32,
  DX_STRIDE: u32,
  DBIAS_AT: u32,
}

@group(0) @binding(0) var<storage, read> dyBTI: array<f32>;
@group(0) @binding(1) var<storage, read> xBTI: array<f32>;
@group(0) @binding(2) var<storage, read> wIJ: array<f32>;
@group(0) @binding(3) var<storage, read> biasI: array<f32>;
@group(0) @binding(4) var<storage, read_write> dxBTI: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;
@group(0) @binding(6) var<uniform> run: Run;

fn x_at(run: Run, b: u32, t: i32, i: u32) -> f32 {
  if (t < 0 || t >= i32(run.T)) {
    return 0.0;
  }
  return xBTI[run.X_OFFSET + (b * run.T + u32(t)) * run.X_STRIDE + i];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let i = id.x;
  let t0 = id.y * RUN;
  let b = id.z;
  if (i >= I) {
    return;
  }
  var w: array<f32, 8>;
  var x: array<f32, 8>; // the J inputs that end with the current position
  var dpre: array<f32, 8>; // the J gradients that end with it
  var dw: array<f32, 8>;
  for (var j = 0u; j < J; j++) {
    w[j] = wIJ[i * J + j];
    x[j] = x_at(run, b, i32(t0 + j) - i32(J), i);
  }
  var bias = 0.0;
  if (HAS_BIAS) {
    bias = biasI[i];
  }
  var dbias = 0.0;
  let end = min(t0 + RUN, run.T);
  for (var t = t0; t < end + J - 1; t++) {
    var pre = bias;
    for (var j = 0u; j < J; j++) {
      if (j + 1 < J) {
        x[j] = x[j + 1];
        dpre[j] = dpre[j + 1];
      } else {
        x[j] = x_at(run, b, i32(t), i);
      }
      pre += w[j] * x[j];
    }
    var d = 0.0;
    if (t < run.T) {
      d = dyBTI[run.DY_OFFSET + (b * run.T + t) * run.DY_STRIDE + i] * silu_derivative(pre, sigmoid(pre));
    }
    dpre[J - 1] = d;
    if (t < end) {
      dbias += d;
      for (var j = 0u; j < J; j++) {
        dw[j] += d * x[j];
      }
    }
    if (t + 1 >= t0 + J) {
      var dx = 0.0;
      for (var j = 0u; j < J; j++) {
        dx += w[j] * dpre[J - 1 - j];
      }
      dxBTI[run.DX_OFFSET + (b * run.T + t + 1 - J) * run.DX_STRIDE + i] = dx;
    }
  }
  let part = id.z * groups.y + id.y;
  for (var j = 0u; j < J; j++) {
    partials[(part * I + i) * J + j] = dw[j];
  }
  partials[run.DBIAS_AT + part * I + i] = dbias;
}
