// Only exponentials in registers: a[j] ← 2^(a[j]·x + y) in VECTORS independent chains of four. The decays of the scan need one
// exponential per state, which a multiply-add peak does not measure.
//
//   0  factors2  [2]            f32  read   x and y, unknown when the kernel is compiled
//   1  sums      [invocations]  f32  write  so that the compiler keeps every chain
//
// One result per invocation. A round has 4·VECTORS·UNROLL exponentials, each after a multiply-add. `const VECTORS` and `const UNROLL`
// are put before this text. Bound by exponentials.

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
