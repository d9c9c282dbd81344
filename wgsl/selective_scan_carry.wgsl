// start[next] = exp(A · Σ dt of the span) · start[span] + the end state of the span for a start state of zero (selective_scan_ends), span after span
// in the direction of the scan: with BACK from the last to the first, else from the first, which starts from h0.
//
//   0  h0BIN  [B, I, N]    f32  read   zero unless HAS_H0
//   1  work   one storage  f32  read and write: the coefficients [I, N + 2] of selective_scan_pack; at STARTS_AT [SPANS, B, I, N];
//             at SUMS_AT [SPANS, B, I]
//   2  run                 the block Run
//
// One invocation per state.
// Bytes 8·SPANS·B·I·N, flops 3·SPANS·B·I·N: small compared with the scan.
//
// Inserted before this file: lib/activations (is_nan).

override I: u32;
override N: u32;
override BACK: bool;
override HAS_H0: bool;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  SPANS: u32,
  STARTS_AT: u32,
  SUMS_AT: u32,
}

@group(0) @binding(0) var<storage, read> h0BIN: array<f32>;
@group(0) @binding(1) var<storage, read_write> work: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let state = (group.y * groups.x + group.x) * 64 + lane;
  if (state >= run.B * I * N) {
    return;
  }
  let a = work[state / N % I * (N + 2) + state % N];
  var x = 0.0;
  if (HAS_H0) {
    x = h0BIN[state];
  }
  for (var done = 0u; done + 1 < run.SPANS; done++) {
    let span = select(done, run.SPANS - 1 - done, BACK);
    let next = select(span + 1, span - 1, BACK);
    let exponent = a * work[run.SUMS_AT + span * run.B * I + state / N];
    let at = run.STARTS_AT + next * run.B * I * N + state;
    x = select(exp(exponent), exponent, is_nan(exponent)) * x + work[at];
    work[at] = x;
  }
}
