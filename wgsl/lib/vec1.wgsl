// Numbers one by one: rows that do not start or end at a multiple of 4. lib/vec4 is the same for all others.
alias Vec = f32;
const WIDTH = 1u;

/// The four, or the one, as four and back: for functions of vec4f.
fn widened(x: Vec) -> vec4f {
  return vec4f(x);
}

fn narrowed(x: vec4f) -> Vec {
  return x.x;
}

fn multiply_add(a: Vec, b: Vec, sum: f32) -> f32 {
  return fma(a, b, sum);
}
