// parts[PART_AT + p] = Σ g² over the p-th SPAN elements: the first stage of the gradient norm.
//
//   0  gN     [N]      f32  read
//   1  parts  [parts]  f32  write
//   2  run  the block Run
//
// One workgroup per span; its LANES stride over it, then add up in a tree of fixed shape (lib/sum_over_lanes).
// Bytes 4·N, flops 2·N: bound by memory.

override SPAN: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  N: u32,
  G_OFFSET: u32,
  PART_AT: u32,
}

@group(0) @binding(0) var<storage, read> gN: array<f32>;
@group(0) @binding(1) var<storage, read_write> parts: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let part = group.y * groups.x + group.x;
  let end = min((part + 1) * SPAN, run.N);
  if (part * SPAN >= run.N) {
    return;
  }
  var squares = 0.0;
  for (var n = part * SPAN + lane; n < end; n += LANES) {
    let g = gN[run.G_OFFSET + n];
    squares += g * g;
  }
  let sum = sum_over_lanes(squares, lane);
  if (lane == 0) {
    parts[run.PART_AT + part] = sum;
  }
}
