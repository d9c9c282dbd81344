// Products and weighted sums of rows of COLUMNS numbers, for GPUs (lib/attention_tile_workgroup). core/webgpu/ops/attention.ts inserts this text
// twice: with K and with V in place of COLUMNS.

/// The place of the rows of a block. The rows themselves are staged for every tile.
struct Held_COLUMNS {
  rows: Rows,
  block: Block,
}

fn held_COLUMNS(numbers: ptr<storage, array<Cell>, read>, rows: Rows, block: Block, place: vec2u) -> Held_COLUMNS {
  return Held_COLUMNS(rows, block);
}

/// The products of the rows of the block (`own` in memory) with the rows of a tile, columns in order.
fn products_COLUMNS(
  held: ptr<function, Held_COLUMNS>,
  own: ptr<storage, array<Cell>, read>,
  others: ptr<storage, array<Cell>, read>,
  rows: Rows,
  tile: Tile,
  place: vec2u,
) -> Pairs {
  let lane = place.y * ACROSS + place.x;
  let fours = (COLUMNS + 3) / 4;
  var sums = Pairs();
  for (var first = 0u; first < fours; first += FOURS) {
    workgroupBarrier(); // what was staged before has been used
    stage_block(own, held.rows, held.block, tile, first, COLUMNS, lane);
    stage_tile(others, rows, tile, first, COLUMNS, lane);
    workgroupBarrier();
    sums[0] = add_outer(sums[0], min(FOURS, fours - first), place);
  }
  return sums;
}

/// Weighted sums of rows of tiles for the rows of an invocation: [quad][vec4 of columns][column], four rows of the block.
alias Sums_COLUMNS = array<array<array<vec4f, 4>, COLUMNS_EACH>, QUADS>;

/// Adds the rows of a tile, weighted, in order.
fn add_weighted_COLUMNS(
  sums: ptr<function, Sums_COLUMNS>,
  weights: ptr<function, Pairs>,
  others: ptr<storage, array<Cell>, read>,
  rows: Rows,
  tile: Tile,
  place: vec2u,
) {
  let lane = place.y * ACROSS + place.x;
  let fours = (min(TILE, tile.end - tile.first) + 3) / 4;
  for (var first = 0u; first < fours; first += FOURS) {
    for (var e = 0u; e < COLUMNS_EACH; e++) {
      workgroupBarrier(); // what was staged before has been used
      if (e == 0 && place.x / FOURS == first / FOURS) {
        for (var j = 0u; j < 4; j++) {
          block_part[place.x % FOURS][j][place.y] = weights[0][j];
        }
      }
      stage_rows(others, rows, tile, tile.first + 4 * first, e, COLUMNS, lane);
      workgroupBarrier();
      sums[0][e] = add_outer(sums[0][e], min(FOURS, fours - first), place);
    }
  }
}
