// Exponentials in registers and nothing else: a[j] ← 2^(a[j]·x + y) in VECTORS chains of four that do not wait for each other. The scan's
// decays cost one a state, and a multiply-add peak does not contain them.
//
//   0  factors2  [2]            f32  read   x and y, not known when the kernel is compiled
//   1  sums      [invocations]  f32  write  so that no chain can be left out
//
// An invocation a number; 4·VECTORS·UNROLL exponentials, each with the multiply-add in front of it, a round. `const VECTORS` and `const
// UNROLL` come in front. Bound by exponentials.

override ROUNDS: u32;

@group(0) @binding(0) var<storage, read> factors2: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(factors2[0]);
  let y = vec4f(factors2[1]);
  var a: array<vec4f, VECTORS>;
  for (var j = 0u; j < VECTORS; j++) {
    a[j] = vec4f(f32((id.x + j) % 64) / 64);
  }
  for (var round = 0u; round < ROUNDS; round++) {
    for (var again = 0u; again < UNROLL; again++) {
      for (var j = 0u; j < VECTORS; j++) {
        a[j] = exp2(fma(a[j], x, y));
      }
    }
  }
  var sum = vec4f();
  for (var j = 0u; j < VECTORS; j++) {
    sum += a[j];
  }
  sums[id.x] = dot(sum, vec4f(1));
}
