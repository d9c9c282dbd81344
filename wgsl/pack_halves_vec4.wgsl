// words[r, j] = the 16-bit floats nearest to x[r, 2j] (low half) and x[r, 2j + 1] (high half), four columns at a time.
//
//   0  xRC      [R, C / 4]  four f32 by their bits  read   rows X_STRIDE columns apart
//   1  wordsRW  [R, C / 4]  two u32                 write  rows WORDS_STRIDE words apart
//   2  run      the block Run
//
// pack_halves for C, X_OFFSET and X_STRIDE that are multiples of four, and WORDS_OFFSET and WORDS_STRIDE that are multiples of two. One
// invocation per two words; neighbours read neighbours. Bytes 6·R·C: bound by memory.

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  C: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  WORDS_OFFSET: u32,
  WORDS_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xRC: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> wordsRW: array<vec2u>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let row = at / (run.C / 4);
  let quad = at % (run.C / 4);
  if (row >= run.R) {
    return;
  }
  let half = halves_of(xRC[(run.X_OFFSET + row * run.X_STRIDE) / 4 + quad]);
  wordsRW[(run.WORDS_OFFSET + row * run.WORDS_STRIDE) / 2 + quad] = half.xz | (half.yw << vec2u(16));
}
