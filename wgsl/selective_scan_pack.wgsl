// coefficients[i] = (−exp(aLog[i, 0..N]), skip[i], dtBias[i]): the coefficients of all channels in one table, because bindings are limited.
//
//   0  aLogIN        [I, N]      f32  read
//   1  skipI         [I]         f32  read   zero unless HAS_SKIP
//   2  dtBiasI       [I]         f32  read   zero unless HAS_BIAS
//   3  coefficients  [I, N + 2]  f32  write
//
// One invocation per element. Bytes 8·I·(N + 2): small.
//
// Inserted before this file: lib/activations (is_nan).

override I: u32;
override N: u32;
override HAS_SKIP: bool;
override HAS_BIAS: bool;

@group(0) @binding(0) var<storage, read> aLogIN: array<f32>;
@group(0) @binding(1) var<storage, read> skipI: array<f32>;
@group(0) @binding(2) var<storage, read> dtBiasI: array<f32>;
@group(0) @binding(3) var<storage, read_write> coefficients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x / (N + 2);
  let column = id.x % (N + 2);
  if (i >= I) {
    return;
  }
  var value = 0.0;
  if (column < N) {
    let log = aLogIN[i * N + column];
    value = select(-exp(log), log, is_nan(log));
  } else if (column == N && HAS_SKIP) {
    value = skipI[i];
  } else if (column == N + 1 && HAS_BIAS) {
    value = dtBiasI[i];
  }
  coefficients[id.x] = value;
}
