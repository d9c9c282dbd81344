// next[p] = the first later position with the same id, or P; first[p] = 1 where no earlier position has it.
//
//   0  idsP     [P]     u32  read
//   1  chainP2  [P, 2]  u32  write  next, first
//   2  run  the block Run
//
// One invocation per position, which searches in both directions for its id: at most P comparisons. Chains let the
// backward pass sum the rows of an id in order and without atomics. Bytes 4·P·(distance to the neighbours of the same id).

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  P: u32,
}

@group(0) @binding(0) var<storage, read> idsP: array<u32>;
@group(0) @binding(1) var<storage, read_write> chainP2: array<u32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let run = run; // read once; some compilers would read the buffer at every use
  let p = id.x;
  if (p >= run.P) {
    return;
  }
  var next = p + 1;
  while (next < run.P && idsP[next] != idsP[p]) {
    next++;
  }
  var before = p; // one more than the position that is compared
  while (before > 0 && idsP[before - 1] != idsP[p]) {
    before--;
  }
  chainP2[2 * p] = next;
  chainP2[2 * p + 1] = select(0u, 1u, before == 0);
}
