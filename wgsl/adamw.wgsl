// One AdamW update in place. With rate, c1 = 1 − β1^t, c2 = 1 − β2^t from the schedule and g clipped by min(1, CLIP / (norm + 1e-6)):
// m ← β1·m + (1 − β1)·g; v ← β2·v + (1 − β2)·g²; p ← p − rate·DECAY·p − rate · (m / c1) / (√(v / c2) + EPS).
//
//   0  gN        [N]  f32  read
//   1  norm      [1]  f32  read
//   2  schedule  [4]  f32  read   rate, c1, c2, and with SCALED the factor of g (0: nothing changes)
//   3  pN        [N]  f32  read and write
//   4  mN        [N]  f32  read and write
//   5  vN        [N]  f32  read and write
//   6  run  the block Run
//
// One invocation per Vec (lib/vec4 or lib/vec1); neighbours read neighbours. Bytes 28·N, flops 14·N: bound by memory.

override SCALED: bool = false;
override BETA1: f32;
override BETA2: f32;
override EPS: f32;
override DECAY: f32;
override CLIP: f32;
// 1 − β, rounded once from float64: in f32 the difference would lose digits.
override REST1: f32;
override REST2: f32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  N: u32,
  G_OFFSET: u32,
  P_OFFSET: u32,
  M_OFFSET: u32,
  V_OFFSET: u32,
  NORM_OFFSET: u32,
  SCHEDULE_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read> gN: array<Vec>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read> schedule: array<f32>;
@group(0) @binding(3) var<storage, read_write> pN: array<Vec>;
@group(0) @binding(4) var<storage, read_write> mN: array<Vec>;
@group(0) @binding(5) var<storage, read_write> vN: array<Vec>;
@group(0) @binding(6) var<uniform> run: Run;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let n = (group.y * groups.x + group.x) * 256 + lane;
  if (n >= run.N / WIDTH) {
    return;
  }
  let rate = schedule[run.SCHEDULE_OFFSET];
  let multiplier = select(1.0, schedule[run.SCHEDULE_OFFSET + 3], SCALED);
  if (multiplier == 0.0) {
    return;
  }
  let g = gN[run.G_OFFSET / WIDTH + n] * multiplier * min(1.0, CLIP / (norm[run.NORM_OFFSET] + 1e-6));
  let m = BETA1 * mN[run.M_OFFSET / WIDTH + n] + REST1 * g;
  let v = BETA2 * vN[run.V_OFFSET / WIDTH + n] + REST2 * g * g;
  let update = m / schedule[run.SCHEDULE_OFFSET + 1] / (sqrt(v / schedule[run.SCHEDULE_OFFSET + 2]) + EPS);
  let p = pN[run.P_OFFSET / WIDTH + n];
  mN[run.M_OFFSET / WIDTH + n] = m;
  vN[run.V_OFFSET / WIDTH + n] = v;
  pN[run.P_OFFSET / WIDTH + n] = p - rate * DECAY * p - rate * update;
}
