// out[n] = 0.
//
//   0  outN  [N]  f32  write
//   1  run  the block Run
//
// One invocation per element. Bytes 4·N: bound by memory.

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  N: u32,
  OUT_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read_write> outN: array<f32>;
@group(0) @binding(1) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let n = (group.y * groups.x + group.x) * 64 + lane;
  if (n < run.N) {
    outN[run.OUT_OFFSET + n] = 0.0;
  }
}
