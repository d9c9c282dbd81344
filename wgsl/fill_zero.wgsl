// out[n] = 0.
//
//   0  outN  [N]  f32  write
//
// One invocation an n. Bytes 4·N: bound by memory.

override N: u32;
override OUT_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read_write> outN: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = (group.y * groups.x + group.x) * 64 + lane;
  if (n < N) {
    outN[OUT_OFFSET + n] = 0.0;
  }
}
