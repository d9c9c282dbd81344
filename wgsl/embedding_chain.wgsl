// next[p] = the first later position with the same id, or P; first[p] = 1 where no earlier position has it.
//
//   0  idsP     [P]     u32  read
//   1  chainP2  [P, 2]  u32  write  next, first
//   2  run  the block Run
//
// One invocation a position, which looks both ways until it finds its id: at worst P comparisons. Chains let the backward
// pass add up the rows of an id without atomics and in order. Bytes 4·P·(distance to the neighbours of the same id).

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  P: u32,
}

@group(0) @binding(0) var<storage, read> idsP: array<u32>;
@group(0) @binding(1) var<storage, read_write> chainP2: array<u32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let run = run; // read once: not every compiler does that by itself
  let p = id.x;
  if (p >= run.P) {
    return;
  }
  var next = p + 1;
  while (next < run.P && idsP[next] != idsP[p]) {
    next++;
  }
  var before = p; // one more than the position that is looked at
  while (before > 0 && idsP[before - 1] != idsP[p]) {
    before--;
  }
  chainP2[2 * p] = next;
  chainP2[2 * p + 1] = select(0u, 1u, before == 0);
}
