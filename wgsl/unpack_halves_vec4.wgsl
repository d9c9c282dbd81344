// x[r, 2j] and x[r, 2j + 1] are the low and the high half of words[r, j], four columns at a time.
//
//   0  wordsRW  [R, C / 4]  two u32                 read   rows WORDS_STRIDE words apart
//   1  xRC      [R, C / 4]  four f32 by their bits  write  rows X_STRIDE columns apart
//   2  run      the block Run
//
// unpack_halves for C, X_OFFSET and X_STRIDE that are multiples of four, and WORDS_OFFSET and WORDS_STRIDE that are multiples of two. One
// invocation per two words; neighbours write neighbours. Bytes 6·R·C: bound by memory.

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  C: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  WORDS_OFFSET: u32,
  WORDS_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> wordsRW: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> xRC: array<vec4u>;
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
  let words = wordsRW[(run.WORDS_OFFSET + row * run.WORDS_STRIDE) / 2 + quad];
  let half = vec4u(words.x & 0xffff, words.x >> 16, words.y & 0xffff, words.y >> 16);
  xRC[(run.X_OFFSET + row * run.X_STRIDE) / 4 + quad] = bits_of_halves(half);
}
