// One number at a time, for rows that do not start or end at a multiple of 4. lib/vec4 is for all other rows.
alias Vec = f32;
const WIDTH = 1u;

/// A Vec as a vec4f, and back: for functions of vec4f.
fn widened(x: Vec) -> vec4f {
  return vec4f(x);
}

fn narrowed(x: vec4f) -> Vec {
  return x.x;
}

fn multiply_add(a: Vec, b: Vec, sum: f32) -> f32 {
  return fma(a, b, sum);
}
