// dgate = dy · up · silu′(gate), dup = dy · silu(gate).
//
//   0  dyRF    [R, F]   f32  read   rows DY_STRIDE apart
//   1  guR2F   [R, 2F]  f32  read   gate before up; rows GU_STRIDE apart; words of two 16-bit floats with GU_HALVES
//   2  dguR2F  [R, 2F]  f32  write  rows DGU_STRIDE apart
//   3  run  the block Run
//
// One invocation an element of dy; neighbours read neighbours. Bytes 20·R·F, flops 12·R·F: bound by memory.

override F: u32;
override GU_HALVES: bool = false;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  GU_OFFSET: u32,
  GU_STRIDE: u32,
  DGU_OFFSET: u32,
  DGU_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRF: array<f32>;
@group(0) @binding(1) var<storage, read> guR2F: array<u32>;
@group(0) @binding(2) var<storage, read_write> dguR2F: array<f32>;
@group(0) @binding(3) var<uniform> run: Run;

/// Column `column` of the row of gu that begins at `first`.
fn gu(first: u32, column: u32) -> f32 {
  let word = guR2F[first + select(column, column / 2, GU_HALVES)];
  return select(bitcast<f32>(word), half_number(word, column), GU_HALVES);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / F;
  let f = at % F;
  if (row >= run.R) {
    return;
  }
  let dy = dyRF[run.DY_OFFSET + row * run.DY_STRIDE + f];
  let gate = gu(run.GU_OFFSET + row * run.GU_STRIDE, f);
  let up = gu(run.GU_OFFSET + row * run.GU_STRIDE, F + f);
  let s = sigmoid(gate);
  dguR2F[run.DGU_OFFSET + row * run.DGU_STRIDE + f] = dy * up * silu_derivative(gate, s);
  dguR2F[run.DGU_OFFSET + row * run.DGU_STRIDE + F + f] = dy * gate * s;
}
