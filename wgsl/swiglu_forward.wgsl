// y = silu(gate) · up.
//
//   0  guR2F  [R, 2F]  f32  read   gate before up; rows GU_STRIDE apart
//   1  yRF    [R, F]   f32  write  rows Y_STRIDE apart
//
// One invocation an element of y; neighbours read neighbours. Bytes 12·R·F, flops 6·R·F: bound by memory.

override R: u32;
override F: u32;
override GU_OFFSET: u32 = 0;
override GU_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override Y_STRIDE: u32;

@group(0) @binding(0) var<storage, read> guR2F: array<f32>;
@group(0) @binding(1) var<storage, read_write> yRF: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / F;
  let f = at % F;
  if (row >= R) {
    return;
  }
  let gate = guR2F[GU_OFFSET + row * GU_STRIDE + f];
  let up = guR2F[GU_OFFSET + row * GU_STRIDE + F + f];
  yRF[Y_OFFSET + row * Y_STRIDE + f] = gate * sigmoid(gate) * up;
}
