// delta[b, t, h] = Σ_c dO[b, t, h, c] · o[b, t, h, c], which the gradient of the softmax subtracts from every score of the row.
//
//   0  oBTHV     [B, T, H, V]  f32  read   rows of H·V, O_STRIDE apart
//   1  dOBTHV    [B, T, H, V]  f32  read   rows of H·V, DO_STRIDE apart
//   2  deltaBTH  [B, T, H]     f32  write
//   3  run  the block Run
//
// One invocation per row of a head. Bytes 4·B·T·H·(2·V + 1), flops 2·B·T·H·V: bound by memory.

override H: u32;
override V: u32;

// Sizes and places, in elements. They come with each launch, so one compilation serves every length and layout.
struct Run {
  ROWS: u32, // B·T·H
  O_OFFSET: u32,
  O_STRIDE: u32,
  DO_OFFSET: u32,
  DO_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> oBTHV: array<f32>;
@group(0) @binding(1) var<storage, read> dOBTHV: array<f32>;
@group(0) @binding(2) var<storage, read_write> deltaBTH: array<f32>;
@group(0) @binding(3) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once: not every compiler does that by itself
  let row = (group.y * groups.x + group.x) * 64 + lane;
  if (row >= run.ROWS) {
    return;
  }
  let o_at = run.O_OFFSET + (row / H) * run.O_STRIDE + (row % H) * V;
  let dO_at = run.DO_OFFSET + (row / H) * run.DO_STRIDE + (row % H) * V;
  var delta = 0.0;
  for (var c = 0u; c < V; c++) {
    delta = fma(dOBTHV[dO_at + c], oBTHV[o_at + c], delta);
  }
  deltaBTH[row] = delta;
}
