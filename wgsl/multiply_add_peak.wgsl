// Only multiply-adds in registers: a[j] ← a[j]·x + y in VECTORS independent chains of four.
//
//   0  factors2  [2]            f32  read   x and y, unknown when the kernel is compiled
//   1  sums      [invocations]  f32  write  so that the compiler keeps every chain
//
// One result per invocation; 8·VECTORS·UNROLL flops per round. `const VECTORS` and `const UNROLL` are put before this text. Bound by arithmetic.

override ROUNDS: u32;

@group(0) @binding(0) var<storage, read> factors2: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(factors2[0]);
  let y = vec4f(factors2[1]);
  var a: array<vec4f, VECTORS>;
  for (var j = 0u; j < VECTORS; j++) {
    a[j] = vec4f(f32(id.x + j));
  }
  for (var round = 0u; round < ROUNDS; round++) {
    for (var again = 0u; again < UNROLL; again++) {
      for (var j = 0u; j < VECTORS; j++) {
        a[j] = fma(a[j], x, y);
      }
    }
  }
  var sum = vec4f();
  for (var j = 0u; j < VECTORS; j++) {
    sum += a[j];
  }
  sums[id.x] = dot(sum, vec4f(1));
}
