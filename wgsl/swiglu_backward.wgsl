// dgate = dy · up · silu′(gate), dup = dy · silu(gate).
//
//   0  dyRF    [R, F]   f32  read   rows DY_STRIDE apart
//   1  guR2F   [R, 2F]  f32  read   gate before up; rows GU_STRIDE apart; or words of two 16-bit floats
//   2  dguR2F  [R, 2F]  f32  write  rows DGU_STRIDE apart
//   3  run  the block Run
//
// One invocation per Vec of dy; neighbours read neighbours. Bytes 20·R·F, flops 12·R·F: bound by memory.
//
// Inserted before this file: lib/activations, lib/vec4 or lib/vec1 (Vec, WIDTH), and lib/swiglu_gu_f32, or lib/halves and lib/swiglu_gu_halves.

override F: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  DY_OFFSET: u32,
  DY_STRIDE: u32,
  GU_OFFSET: u32,
  GU_STRIDE: u32,
  DGU_OFFSET: u32,
  DGU_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> dyRF: array<Vec>;
@group(0) @binding(2) var<storage, read_write> dguR2F: array<Vec>;
@group(0) @binding(3) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / (F / WIDTH);
  let f = at % (F / WIDTH) * WIDTH;
  if (row >= run.R) {
    return;
  }
  let gu0 = run.GU_OFFSET + row * run.GU_STRIDE;
  let dgu0 = run.DGU_OFFSET + row * run.DGU_STRIDE;
  let dy = widened(dyRF[(run.DY_OFFSET + row * run.DY_STRIDE + f) / WIDTH]);
  let gate = gu(gu0, f);
  let s = sigmoid4(gate);
  dguR2F[(dgu0 + f) / WIDTH] = narrowed(dy * gu(gu0, F + f) * silu_derivative4(gate, s));
  dguR2F[(dgu0 + F + f) / WIDTH] = narrowed(dy * gate * s);
}
