// A copy and nothing else: out[i] = x[i], QUADS vectors of four an invocation, 64 of them apart so that neighbours read neighbours.
//
//   0  x    [n]  f32  read
//   1  out  [n]  f32  write
//
// A workgroup copies 64·QUADS vectors, n is a multiple of that. 32·QUADS bytes an invocation. Bound by memory.
// `const QUADS` comes in front.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * 64 * QUADS + lane;
  for (var j = 0u; j < QUADS; j++) {
    out[first + 64 * j] = x[first + 64 * j];
  }
}
