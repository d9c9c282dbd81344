// y = silu(gate) · up.
//
//   0  guR2F  [R, 2F]  f32  read   gate before up; rows GU_STRIDE apart
//   1  yRF    [R, F]   f32  write  rows Y_STRIDE apart
//   2  run  the block Run
//
// One invocation per Vec of y (lib/vec4 or lib/vec1); neighbours read neighbours. Bytes 12·R·F, flops 6·R·F: bound by memory.

override F: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  GU_OFFSET: u32,
  GU_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> guR2F: array<Vec>;
@group(0) @binding(1) var<storage, read_write> yRF: array<Vec>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / (F / WIDTH);
  let f = at % (F / WIDTH);
  if (row >= run.R) {
    return;
  }
  let gu0 = run.GU_OFFSET + row * run.GU_STRIDE;
  let gate = widened(guR2F[gu0 / WIDTH + f]);
  let up = widened(guR2F[(gu0 + F) / WIDTH + f]);
  yRF[(run.Y_OFFSET + row * run.Y_STRIDE) / WIDTH + f] = narrowed(gate * sigmoid4(gate) * up);
}
