// Numbers one by one: rows that do not start or end at a multiple of 4. lib/vec4 is the same for all others.
alias Vec = f32;
const WIDTH = 1u;

fn multiply_add(a: Vec, b: Vec, sum: f32) -> f32 {
  return fma(a, b, sum);
}
