// lib/attention_tile for GPUs: rows of the block and of tiles are staged in workgroup memory, and invocations of a row exchange their weights there.
// FOURS vec4s of columns are staged at a time for products, and 4·FOURS rows of a tile for weighted sums. Both use the same loop: a sum of outer
// products of two vec4s, each with two loads of 128 bits from workgroup memory and 16 multiply-adds.
const_assert QUADS == 1;

const LANES = ACROSS * DOWN;
const FOURS = 4u;
const_assert ACROSS <= 4 * FOURS;

// Nested arrays, because compilers then check the bounds only of the index that is not constant. For products: both [vec4 of columns][column][quad of
// rows]. For weighted sums: weights [quad of rows of the tile][row][quad of rows of the block], and [quad of rows of the tile][row][vec4 of columns].
var<workgroup> block_part: array<array<array<vec4f, DOWN>, 4>, FOURS>;
var<workgroup> tile_part: array<array<array<vec4f, ACROSS>, 4>, FOURS>;

/// Rows of the other kind from `first` on.
struct Tile {
  first: u32,
  end: u32,
}

fn tile_of(first: u32, end: u32) -> Tile {
  return Tile(first, end);
}

/// The four rows of a tile that an invocation multiplies with its own. Rows from `end` on do not exist.
fn tile_rows(tile: Tile, x: u32) -> vec4u {
  return tile.first + 4 * x + vec4u(0, 1, 2, 3);
}

/// Four columns of four neighbouring rows, transposed: a vector for each column. Beyond the last row, the last one is repeated.
fn four_by_four(numbers: ptr<storage, array<Cell>, read>, rows: Rows, first: u32, last: u32, i: u32, columns: u32) -> mat4x4f {
  let at = rows.at + min(first + vec4u(0, 1, 2, 3), vec4u(last)) * rows.stride;
  return transpose(mat4x4f(
    four(numbers, at.x, i, columns),
    four(numbers, at.y, i, columns),
    four(numbers, at.z, i, columns),
    four(numbers, at.w, i, columns),
  ));
}

/// Stages FOURS vec4s of the columns of all rows of the block in block_part, from vec4 `first` on. A row has `columns` columns. The dependence on the
/// tile prevents compilers from loading the whole block into registers before the first tile.
fn stage_block(numbers: ptr<storage, array<Cell>, read>, rows: Rows, block: Block, tile: Tile, first: u32, columns: u32, lane: u32) {
  let last = select(0, block.last, tile.first < tile.end);
  for (var unit = lane; unit < FOURS * DOWN; unit += LANES) {
    let quad = unit % DOWN;
    let i = unit / DOWN;
    let four_rows = four_by_four(numbers, rows, block.first + 4 * quad, last, min(first + i, (columns + 3) / 4 - 1), columns);
    for (var c = 0u; c < 4; c++) {
      block_part[i][c][quad] = four_rows[c];
    }
  }
}

/// Stages the same vec4s of all rows of a tile in tile_part.
fn stage_tile(numbers: ptr<storage, array<Cell>, read>, rows: Rows, tile: Tile, first: u32, columns: u32, lane: u32) {
  for (var unit = lane; unit < FOURS * ACROSS; unit += LANES) {
    let quad = unit % ACROSS;
    let i = unit / ACROSS;
    let four_rows = four_by_four(numbers, rows, tile.first + 4 * quad, tile.end - 1, min(first + i, (columns + 3) / 4 - 1), columns);
    for (var c = 0u; c < 4; c++) {
      tile_part[i][c][quad] = four_rows[c];
    }
  }
}

/// Stages 4·FOURS rows of a tile in tile_part, from row `first` on: the vec4s ACROSS·e to ACROSS·e + ACROSS − 1 of their columns.
fn stage_rows(numbers: ptr<storage, array<Cell>, read>, rows: Rows, tile: Tile, first: u32, e: u32, columns: u32, lane: u32) {
  for (var unit = lane; unit < 4 * FOURS * ACROSS; unit += LANES) {
    let row = unit / ACROSS;
    let i = min(ACROSS * e + unit % ACROSS, (columns + 3) / 4 - 1);
    tile_part[row / 4][row % 4][unit % ACROSS] = four(numbers, rows.at + min(first + row, tile.end - 1) * rows.stride, i, columns);
  }
}

/// sums + Σ a · bᵀ over `fours` times four vectors of block_part and tile_part.
fn add_outer(sums: array<vec4f, 4>, fours: u32, place: vec2u) -> array<vec4f, 4> {
  var all = sums;
  for (var i = 0u; i < fours; i++) {
    for (var k = 0u; k < 4; k++) {
      let a = block_part[i][k][place.y];
      let b = tile_part[i][k][place.x];
      for (var j = 0u; j < 4; j++) {
        all[j] = fma(a, vec4f(b[j]), all[j]);
      }
    }
  }
  return all;
}

/// Writes a vector of each invocation of a row to block_part.
fn exchange(own: vec4f, place: vec2u) {
  workgroupBarrier();
  block_part[place.x / 4][place.x % 4][place.y] = own;
  workgroupBarrier();
}

/// The largest over the invocations of a row.
fn row_max(own: vec4f, place: vec2u) -> vec4f {
  exchange(own, place);
  var all = own;
  for (var other = 0u; other < ACROSS; other++) {
    all = max(all, block_part[other / 4][other % 4][place.y]);
  }
  return all;
}

/// The sum over the invocations of a row, in order.
fn row_sum(own: vec4f, place: vec2u) -> vec4f {
  exchange(own, place);
  var all = vec4f();
  for (var other = 0u; other < ACROSS; other++) {
    all += block_part[other / 4][other % 4][place.y];
  }
  return all;
}

/// Four numbers from memory.
fn four_of(numbers: ptr<storage, array<f32>, read>, at: vec4u, x: u32) -> vec4f {
  return vec4f(numbers[at.x], numbers[at.y], numbers[at.z], numbers[at.w]);
}
