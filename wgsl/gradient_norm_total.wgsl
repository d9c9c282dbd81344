// norm = √Σ parts: the second stage of the gradient norm.
//
//   0  parts  [PARTS]  f32  read
//   1  norm   [1]      f32  write
//   2  run  the block Run
//
// One workgroup; its LANES stride over the parts, then add up in a tree of fixed shape (lib/sum_over_lanes). Bytes 4·PARTS: small.

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  PARTS: u32,
  NORM_OFFSET: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  var squares = 0.0;
  for (var part = lane; part < run.PARTS; part += LANES) {
    squares += parts[part];
  }
  let sum = sum_over_lanes(squares, lane);
  if (lane == 0) {
    norm[run.NORM_OFFSET] = sqrt(sum);
  }
}
