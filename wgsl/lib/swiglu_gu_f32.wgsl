// How swiglu_backward reads gate and up: from f32, a Vec at a time (lib/vec4 or lib/vec1).
@group(0) @binding(1) var<storage, read> guR2F: array<Vec>;

/// The Vec at column `column` of the row that begins at `first`.
fn gu(first: u32, column: u32) -> vec4f {
  return widened(guR2F[(first + column) / WIDTH]);
}
