// The end state of each span of a scan for a start state of zero, so that spans can run in parallel. selective_scan_carry computes the start states
// from these. Forward, from a span's first position to its last: x ← exp(dt·A) ∘ x + dt·u·B[t]. BACK, from the last to the first:
// x ← exp(dt·A) ∘ (x + dy·silu(z)·C[t]). In both directions a start state x adds exp(A · Σ dt) · x to the end state.
//
//   0  dyBTI     [B, T, I]     f32  read   rows DY_STRIDE apart; only with BACK
//   1  udtBT2I   [B, T, 2, I]  f32  read   u, then the raw step size; rows UDT_STRIDE apart (see below)
//   2  bcBT2N    [B, T, 2, N]  f32  read   B, then C; rows BC_STRIDE apart
//   3  zBTI      [B, T, I]     f32  read   rows Z_STRIDE apart (see below); ignored unless BACK and HAS_Z
//   4  work      one storage   f32  read and write: the coefficients [I, N + 2] of selective_scan_pack; at STARTS_AT [spans, B, I, N],
//                where x goes to the span that comes next in this direction; at SUMS_AT [spans, B, I] the sum of a span's step sizes
//   5  run                     the block Run
//
// Laid out as selective_scan_forward: one workgroup takes 64 channels of one span of SPAN positions of one batch row (lib/scan_tiles), BLOCK
// positions at a time. The last span in the direction is left out, because no span follows it.
// Bytes 4·B·T·(3·I + N·I/64), flops 5·B·T·I·N with as many exponentials: bound by arithmetic.
//
// Inserted before this file: EACH, BLOCK; lib/activations, lib/channels_vec4 or lib/channels_vec1 (Vec, load4), for udt and z lib/stored_f32 or,
// where they are words of two 16-bit floats, lib/halves and lib/stored_halves (Stored, stored4); lib/scan_tiles.

override BACK: bool;
override HAS_Z: bool;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  B: u32,
  T: u32,
  SPAN: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  UDT_OFFSET: u32,
  UDT_STRIDE: u32,
  BC_OFFSET: u32,
  BC_STRIDE: u32,
  Z_OFFSET: u32,
  Z_STRIDE: u32,
  STARTS_AT: u32,
  SUMS_AT: u32,
}

@group(0) @binding(0) var<storage, read> dyBTI: array<Vec>;
@group(0) @binding(1) var<storage, read> udtBT2I: array<Stored>;
@group(0) @binding(2) var<storage, read> bcBT2N: array<f32>;
@group(0) @binding(3) var<storage, read> zBTI: array<Stored>;
@group(0) @binding(4) var<storage, read_write> work: array<f32>;
@group(0) @binding(5) var<uniform> run: Run;

var<workgroup> dt_tile: array<vec4f, BLOCK * 16>; // [t][channels]
var<workgroup> input_tile: array<vec4f, BLOCK * 16>; // dt·u, or dy·silu(z)

fn gated_dy4(row: u32, i: u32) -> vec4f {
  let dy = load4(&dyBTI, run.DY_OFFSET + row * run.DY_STRIDE, i);
  if (!HAS_Z) {
    return dy;
  }
  let z = stored4(&zBTI, run.Z_OFFSET + row * run.Z_STRIDE, 0, i);
  return dy * z * sigmoid4(z);
}

/// The inputs of a block. A step size and an input of zero beyond the last position leave the state as it is.
fn stage(lane: u32, i: u32, bias: vec4f, row0: u32, positions: u32) {
  for (var k = lane; k < BLOCK * 16; k += LANES) {
    let row = row0 + min(k / 16, positions - 1);
    let dt = select(vec4f(), step4(row, i, bias), k / 16 < positions);
    dt_tile[k] = dt;
    if (BACK) {
      input_tile[k] = select(vec4f(), gated_dy4(row, i), k / 16 < positions);
    } else {
      input_tile[k] = dt * raw4(row, i, 0);
    }
  }
  stage_bc(lane, row0, positions);
}

fn write_sum(row: u32, i: u32, total: vec4f) {
  for (var c = 0u; c < 4; c++) {
    if (i + c < I) {
      work[run.SUMS_AT + row + i + c] = total[c];
    }
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = group.y;
  let span = group.z + select(0u, 1u, BACK);
  let next = select(span + 1, span - 1, BACK);
  let part = lane % PARTS;
  let channels = lane / PARTS;
  let i = group.x * 64 + channels * 4; // whose states this invocation holds
  let staged = group.x * 64 + lane % 16 * 4; // whose inputs it moves
  let bias = coefficient4(staged, N + 1);
  let a = exponents(i, part * EACH);
  var x: array<vec4f, EACH>;
  for (var j = 0u; j < EACH; j++) {
    x[j] = select(vec4f(), a[j], is_nan4(a[j])); // exp2 may lose NaN
  }
  var total = vec4f();
  let begin = span * run.SPAN;
  let end = min(begin + run.SPAN, run.T);
  for (var done = 0u; done < end - begin; done += BLOCK) {
    let positions = min(BLOCK, end - begin - done);
    stage(lane, staged, bias, b * run.T + select(begin + done, end - done - positions, BACK), positions);
    workgroupBarrier();
    for (var s = 0u; s < BLOCK; s++) {
      let t = select(s, BLOCK - 1 - s, BACK);
      let dt = dt_tile[t * 16 + channels];
      let input = input_tile[t * 16 + channels];
      let bc = bc_tile[(t * 2 + select(0u, 1u, BACK)) * N_QUADS + part];
      total += dt;
      for (var j = 0u; j < EACH; j++) {
        let decay = exp2(dt * a[j]);
        if (BACK) {
          x[j] = decay * (x[j] + input * bc[j]);
        } else {
          x[j] = decay * x[j] + input * bc[j];
        }
      }
    }
    workgroupBarrier();
  }
  write_entries(&work, run.STARTS_AT + (next * run.B + b) * I * N, i, part * EACH, x);
  if (part == 0) {
    write_sum((span * run.B + b) * I, i, total);
  }
}
