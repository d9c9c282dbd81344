// The common parts of the three passes of attention (forward, dq, dkv): rows of heads, and the block of rows of a workgroup. The mask is lib/sees.
//
// A workgroup of ACROSS × DOWN invocations has a block of ROWS rows of one head: queries, or keys in the pass for dk and dv. It loops over the rows
// of the other kind in tiles of TILE. Invocation (x, y) has QUADS quads of rows of the block (a quad is the four components of a vec4f) and four rows
// of the tile, and computes their 16·QUADS products. In weighted sums of the tile's rows it has the vec4s x, x + ACROSS, … of the columns.
// lib/attention_tile_workgroup and lib/attention_tile_subgroup exchange numbers between invocations; lib/attention_columns_* do this for K or V
// columns.

const ROWS = 4 * QUADS * DOWN;
const TILE = 4 * ACROSS;

/// The rows of a head in one sequence, in cells (lib/row_fours, lib/row_ones): the start of row 0, and the distance between rows.
struct Rows {
  at: u32,
  stride: u32,
}

fn rows_of(offset: u32, stride: u32, first: u32, column: u32) -> Rows {
  return Rows((offset + first * stride + column) / CELL, stride / CELL);
}

/// The rows of a workgroup.
struct Block {
  first: u32,
  last: u32,
}

fn block_of(first: u32) -> Block {
  return Block(first, min(first + ROWS, run.T) - 1);
}

/// The rows of an invocation. Beyond the last row, the last one is repeated, because every invocation has to reach the barriers.
fn own_rows(block: Block, y: u32) -> array<vec4u, QUADS> {
  var rows: array<vec4u, QUADS>;
  for (var u = 0u; u < QUADS; u++) {
    rows[u] = min(block.first + 4 * (QUADS * y + u) + vec4u(0, 1, 2, 3), vec4u(block.last));
  }
  return rows;
}

/// One number for each row of an invocation and each of its four rows of the tile: [quad][row of the tile], four rows of the block.
alias Pairs = array<array<vec4f, 4>, QUADS>;
