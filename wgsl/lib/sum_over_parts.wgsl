// Sums over the PARTS invocations (local.x) that share rows (local.y) of a workgroup of PARTS × LANES, added in the order of the parts:
// every part gets the same bits. A Tile of sums at a time. All invocations of the workgroup must call it together.
// PARTS, LANES, KEYS and EACH stand in front.
alias Tile = array<array<f32, EACH>, KEYS>;

var<workgroup> part_values: array<Tile, select(LANES * PARTS, 1, PARTS == 1)>;

fn sum_over_parts(values: Tile, local: vec3u) -> Tile {
  if (PARTS == 1) {
    return values;
  }
  let row = local.y * PARTS;
  workgroupBarrier(); // the sums before this one have been read
  part_values[row + local.x] = values;
  workgroupBarrier();
  var sums = part_values[row];
  for (var part = 1u; part < PARTS; part++) {
    for (var j = 0u; j < KEYS; j++) {
      for (var r = 0u; r < EACH; r++) {
        sums[j][r] += part_values[row + part][j][r];
      }
    }
  }
  return sums;
}
