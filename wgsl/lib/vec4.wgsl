// Four numbers at a time, for rows whose start and length are multiples of 4. lib/vec1 is for all other rows.
alias Vec = vec4f;
const WIDTH = 4u;

/// Converts a Vec to vec4f, for functions of vec4f; `narrowed` converts it back.
fn widened(x: Vec) -> vec4f {
  return x;
}

fn narrowed(x: vec4f) -> Vec {
  return x;
}

fn multiply_add(a: Vec, b: Vec, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}
