// out[n] = Σ_part partial[part, n], added in the order of the parts: the second stage of sums that cross workgroups.
//
//   0  partialPN  [PARTS, N]  f32  read   from PARTIAL_OFFSET on
//   1  outN       [N]         f32  write, or read and write with ACCUMULATE; COLUMNS per row, rows OUT_STRIDE apart; every BLOCK_ROWS rows begin
//                  BLOCK_STRIDE after those before
//   2  run  the block Run
//
// One invocation per element of out; neighbours read neighbours. Bytes 4·(PARTS + 1)·N, flops PARTS·N: bound by memory.

override ACCUMULATE: bool = false;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  N: u32,
  PARTS: u32,
  PARTIAL_OFFSET: u32,
  COLUMNS: u32,
  OUT_OFFSET: u32,
  OUT_STRIDE: u32,
  BLOCK_ROWS: u32,
  BLOCK_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> partialPN: array<f32>;
@group(0) @binding(1) var<storage, read_write> outN: array<f32>;
@group(0) @binding(2) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let n = (group.y * groups.x + group.x) * 64 + lane;
  if (n >= run.N) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < run.PARTS; part++) {
    sum += partialPN[run.PARTIAL_OFFSET + part * run.N + n];
  }
  let row = n / run.COLUMNS;
  let block = row / run.BLOCK_ROWS * run.BLOCK_STRIDE;
  let at = run.OUT_OFFSET + block + row % run.BLOCK_ROWS * run.OUT_STRIDE + n % run.COLUMNS;
  if (ACCUMULATE) {
    sum += outN[at];
  }
  outN[at] = sum;
}
