// out[n] = Σ_part partial[part, n], added in the order of the parts: the second stage of sums that cross workgroups.
//
//   0  partialPN  [PARTS, N]  f32  read   from PARTIAL_OFFSET on
//   1  outN       [N]         f32  write, or read and write with ACCUMULATE; COLUMNS a row, rows OUT_STRIDE apart
//
// One invocation an n; neighbours read neighbours. Bytes 4·(PARTS + 1)·N, flops PARTS·N: bound by memory.

override N: u32;
override PARTS: u32;
override ACCUMULATE: bool = false;
override PARTIAL_OFFSET: u32 = 0;
override COLUMNS: u32;
override OUT_OFFSET: u32 = 0;
override OUT_STRIDE: u32;

@group(0) @binding(0) var<storage, read> partialPN: array<f32>;
@group(0) @binding(1) var<storage, read_write> outN: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = (group.y * groups.x + group.x) * 64 + lane;
  if (n >= N) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < PARTS; part++) {
    sum += partialPN[PARTIAL_OFFSET + part * N + n];
  }
  let at = OUT_OFFSET + n / COLUMNS * OUT_STRIDE + n % COLUMNS;
  if (ACCUMULATE) {
    sum += outN[at];
  }
  outN[at] = sum;
}
