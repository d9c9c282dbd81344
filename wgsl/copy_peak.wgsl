// Only a copy: out[i] = x[i]. Each invocation copies QUADS vectors of four, 64 vectors apart, so that neighbours read neighbours.
//
//   0  x    [n]  f32  read
//   1  out  [n]  f32  write
//
// A workgroup copies 64·QUADS vectors, and n is a multiple of that. 32·QUADS bytes per invocation. Bound by memory.
// `const QUADS` is put before this text.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * 64 * QUADS + lane;
  for (var j = 0u; j < QUADS; j++) {
    out[first + 64 * j] = x[first + 64 * j];
  }
}
