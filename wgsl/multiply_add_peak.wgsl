// Multiply-adds in registers and nothing else: a[j] ← a[j]·x + y in VECTORS chains of four that do not wait for each other.
//
//   0  factors2  [2]            f32  read   x and y, not known when the kernel is compiled
//   1  sums      [invocations]  f32  write  so that no chain can be left out
//
// An invocation a number; 8·VECTORS flops a round. `const VECTORS` comes in front. Bound by arithmetic.

override ROUNDS: u32;

@group(0) @binding(0) var<storage, read> factors2: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(factors2[0]);
  let y = vec4f(factors2[1]);
  var a = array<vec4f, 4>(vec4f(f32(id.x)), vec4f(1), vec4f(2), vec4f(3));
  for (var round = 0u; round < ROUNDS; round++) {
    a[0] = fma(a[0], x, y);
    if (VECTORS > 1) {
      a[1] = fma(a[1], x, y);
    }
    if (VECTORS > 2) {
      a[2] = fma(a[2], x, y);
      a[3] = fma(a[3], x, y);
    }
  }
  sums[id.x] = dot(a[0] + a[1] + a[2] + a[3], vec4f(1));
}
