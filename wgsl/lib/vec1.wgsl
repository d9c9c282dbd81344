// One number at a time, for rows that do not start or end at a multiple of 4. lib/vec4 is for all other rows.
alias Vec = f32;
const WIDTH = 1u;

/// Converts a Vec to vec4f, for functions of vec4f; `narrowed` converts it back.
fn widened(x: Vec) -> vec4f {
  return vec4f(x);
}

fn narrowed(x: vec4f) -> Vec {
  return x.x;
}

fn multiply_add(a: Vec, b: Vec, sum: f32) -> f32 {
  return fma(a, b, sum);
}
