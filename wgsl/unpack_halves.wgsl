// x[r, 2j] and x[r, 2j + 1] are the low and the high half of words[r, j].
//
//   0  wordsRW  [R, C / 2]  u32              read   rows WORDS_STRIDE apart; C / 2 is rounded up
//   1  xRC      [R, C]      f32 by its bits  write  rows X_STRIDE apart
//   2  run      the block Run
//
// One invocation per word; neighbours write neighbours. Bytes 6·R·C: bound by memory.

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  R: u32,
  C: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  WORDS_OFFSET: u32,
  WORDS_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> wordsRW: array<u32>;
@group(0) @binding(1) var<storage, read_write> xRC: array<u32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let at = (group.y * groups.x + group.x) * 64 + lane;
  let words = (run.C + 1) / 2;
  let row = at / words;
  let column = 2 * (at % words);
  if (row >= run.R) {
    return;
  }
  let word = wordsRW[run.WORDS_OFFSET + row * run.WORDS_STRIDE + column / 2];
  let first = run.X_OFFSET + row * run.X_STRIDE + column;
  xRC[first] = bits_of_half(word & 0xffff);
  if (column + 1 < run.C) {
    xRC[first + 1] = bits_of_half(word >> 16);
  }
}
