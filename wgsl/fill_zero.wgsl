// out[n] = 0.
//
//   0  outN  [N]  f32  write
//   1  run  the block Run
//
// One invocation an n. Bytes 4·N: bound by memory.

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  N: u32,
  OUT_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read_write> outN: array<f32>;
@group(0) @binding(1) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let n = (group.y * groups.x + group.x) * 64 + lane;
  if (n < run.N) {
    outN[run.OUT_OFFSET + n] = 0.0;
  }
}
