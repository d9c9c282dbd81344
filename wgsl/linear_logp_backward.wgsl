// dlogit = −dlogp · exp(logit − lse), and dlogp · (1 − exp(logp)) at the target. The gradient replaces the logits.
//
//   0  targetsR  [R]     u32  read
//   1  dlogpR    [R]     f32  read
//   2  lseR      [R]     f32  read
//   3  logpR     [R]     f32  read
//   4  logitsRC  [R, C]  f32  read and write  vocabulary entries V0, …, V0 + C − 1
//   5  run  the block Run
//
// One invocation per logit, or four neighbouring ones (lib/vec4 or lib/vec1); neighbours read neighbours. Bytes 8·R·C, one exponential
// per logit: bound by memory.

override C: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  V0: u32,
}

@group(0) @binding(0) var<storage, read> targetsR: array<u32>;
@group(0) @binding(1) var<storage, read> dlogpR: array<f32>;
@group(0) @binding(2) var<storage, read> lseR: array<f32>;
@group(0) @binding(3) var<storage, read> logpR: array<f32>;
@group(0) @binding(4) var<storage, read_write> logitsRC: array<Vec>;
@group(0) @binding(5) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  if (at >= run.R * (C / WIDTH)) {
    return;
  }
  let row = at / (C / WIDTH);
  let dlogp = dlogpR[row];
  let all = widened(-dlogp * exp(logitsRC[at] - lseR[row]));
  // At least WIDTH (also after wrapping around) if the target is not among these.
  let target_at = targetsR[row] - run.V0 - at % (C / WIDTH) * WIDTH;
  logitsRC[at] = narrowed(select(all, vec4f(dlogp * one_minus_exp(logpR[row])), vec4u(0, 1, 2, 3) == vec4u(target_at)));
}
