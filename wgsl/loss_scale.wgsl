// Checks whether scaled gradients overflowed, and writes the factor that unscales them and the next scale. See core/ops/loss_scale.ts.
//
//   0  norm      [1]  f32 by its bits  read            norm of the scaled gradients
//   1  schedule  [4]  f32              read            rate first
//   2  state     [4]  f32              read and write  scale, updates since the scale changed, 1 − β1^t, 1 − β2^t
//   3  applied   [4]  f32              write           rate, 1 − β1^t, 1 − β2^t, factor / scale (0: no update)
//   4  report    [3]  f32              write           norm of the gradient, scale, 1 for no update
//
// One invocation. A norm is finite when its exponent bits are not all ones. A compiler may remove comparisons with infinity.

override FACTOR: f32;
override BETA1: f32;
override BETA2: f32;
// 1 − β, rounded once from float64.
override REST1: f32;
override REST2: f32;
override GROW_EVERY: f32;
override MOST: f32;
override NORM_OFFSET: u32 = 0;
override SCHEDULE_OFFSET: u32 = 0;

@group(0) @binding(0) var<storage, read> norm: array<u32>;
@group(0) @binding(1) var<storage, read> schedule: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> applied: array<f32>;
@group(0) @binding(4) var<storage, read_write> report: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let bits = norm[NORM_OFFSET];
  let scale = state[0];
  applied[0] = schedule[SCHEDULE_OFFSET];
  report[1] = scale;
  if ((bits & 0x7f800000) == 0x7f800000) {
    state[0] = max(1.0, scale / 2);
    state[1] = 0.0;
    applied[1] = state[2];
    applied[2] = state[3];
    applied[3] = 0.0;
    report[0] = 0.0;
    report[2] = 1.0;
    return;
  }
  let multiplier = FACTOR / scale;
  let corrections = vec2f(BETA1, BETA2) * vec2f(state[2], state[3]) + vec2f(REST1, REST2);
  let grown = state[1] + 1 >= GROW_EVERY;
  state[0] = select(scale, min(MOST, 2 * scale), grown);
  state[1] = select(state[1] + 1, 0.0, grown);
  state[2] = corrections.x;
  state[3] = corrections.y;
  applied[1] = corrections.x;
  applied[2] = corrections.y;
  applied[3] = multiplier;
  report[0] = bitcast<f32>(bits) * multiplier;
  report[2] = 0.0;
}
