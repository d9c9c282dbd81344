// state[b] = the last entry of the states that a scan saved.
//
//   0  statesBSIN  [B, ENTRIES, I, N]  f32  read
//   1  stateBIN    [B, I, N]           f32  write
//
// One invocation per state; neighbours read neighbours. Bytes 8·B·I·N, no flops: bound by memory.

override ENTRIES: u32;
override STATES: u32; // I·N

@group(0) @binding(0) var<storage, read> statesBSIN: array<f32>;
@group(0) @binding(1) var<storage, read_write> stateBIN: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < STATES) {
    stateBIN[id.y * STATES + id.x] = statesBSIN[(id.y * ENTRIES + ENTRIES - 1) * STATES + id.x];
  }
}
