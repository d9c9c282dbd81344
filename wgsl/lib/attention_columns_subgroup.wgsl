// Products and weighted sums of rows of COLUMNS numbers, for software adapters (lib/attention_tile_subgroup). core/webgpu/ops/attention.ts inserts
// this text twice: with K and with V in place of COLUMNS.

/// The vec4s x, x + ACROSS, … of the rows of the block, held by invocation x.
alias Held_COLUMNS = array<array<array<vec4f, 4>, QUADS>, COLUMNS_EACH>;

fn held_COLUMNS(numbers: ptr<storage, array<Cell>, read>, rows: Rows, block: Block, place: vec2u) -> Held_COLUMNS {
  var held: Held_COLUMNS;
  var own = own_rows(block, place.y);
  for (var u = 0u; u < QUADS; u++) {
    for (var r = 0u; r < 4; r++) {
      for (var e = 0u; e < COLUMNS_EACH; e++) {
        let i = min(place.x + ACROSS * e, (COLUMNS + 3) / 4 - 1);
        held[e][u][r] = four(numbers, rows.at + own[u][r] * rows.stride, i, COLUMNS);
      }
    }
  }
  return held;
}

/// The vec4 i of the rows of a quad, from the invocation that holds it.
fn handed_COLUMNS(held: ptr<function, Held_COLUMNS>, e: u32, u: u32, i: u32) -> array<vec4f, 4> {
  return array<vec4f, 4>(
    subgroupShuffle(held[e][u][0], i),
    subgroupShuffle(held[e][u][1], i),
    subgroupShuffle(held[e][u][2], i),
    subgroupShuffle(held[e][u][3], i),
  );
}

/// The products of the rows of the block (`own` in memory, kept in `held`) with the rows of a tile, columns in order.
fn products_COLUMNS(
  held: ptr<function, Held_COLUMNS>,
  own: ptr<storage, array<Cell>, read>,
  others: ptr<storage, array<Cell>, read>,
  rows: Rows,
  tile: Tile,
  place: vec2u,
) -> Pairs {
  let at = rows.at + min(tile_rows(tile, place.x), vec4u(tile.end - 1)) * rows.stride;
  var sums = Pairs();
  for (var e = 0u; e < COLUMNS_EACH; e++) {
    let steps = select(0, min(ACROSS, (COLUMNS + 3) / 4 - ACROSS * e), tile.first < tile.end);
    var i = 0u;
    if (tile.one_each) {
      loop {
        let other = four(others, at.x, ACROSS * e + i, COLUMNS);
        for (var u = 0u; u < QUADS; u++) {
          sums[u][0] = dots(handed_COLUMNS(held, e, u, i), other, sums[u][0]);
        }
        continuing {
          i++;
          break if i >= steps;
        }
      }
    } else {
      loop {
        var four_others: array<vec4f, 4>;
        for (var j = 0u; j < 4; j++) {
          four_others[j] = four(others, at[j], ACROSS * e + i, COLUMNS);
        }
        for (var u = 0u; u < QUADS; u++) {
          let mine = handed_COLUMNS(held, e, u, i);
          for (var j = 0u; j < 4; j++) {
            sums[u][j] = dots(mine, four_others[j], sums[u][j]);
          }
        }
        continuing {
          i++;
          break if i >= steps;
        }
      }
    }
  }
  return sums;
}

/// Weighted sums of rows of tiles for the rows of an invocation: [quad][vec4 of columns][column], four rows of the block.
alias Sums_COLUMNS = array<array<array<vec4f, 4>, COLUMNS_EACH>, QUADS>;

/// Adds the row of a tile that begins at `at`, with the weights in slot j of invocation `from_lane`.
fn add_row_COLUMNS(
  sums: ptr<function, Sums_COLUMNS>,
  weights: ptr<function, Pairs>,
  from_lane: u32,
  j: u32,
  others: ptr<storage, array<Cell>, read>,
  at: u32,
  place: vec2u,
) {
  for (var e = 0u; e < COLUMNS_EACH; e++) {
    let other = four(others, at, min(place.x + ACROSS * e, (COLUMNS + 3) / 4 - 1), COLUMNS);
    for (var u = 0u; u < QUADS; u++) {
      let weight = subgroupShuffle(weights[u][j], from_lane);
      for (var c = 0u; c < 4; c++) {
        sums[u][e][c] = fma(weight, vec4f(other[c]), sums[u][e][c]);
      }
    }
  }
}

/// Adds the rows of a tile, weighted, in order.
fn add_weighted_COLUMNS(
  sums: ptr<function, Sums_COLUMNS>,
  weights: ptr<function, Pairs>,
  others: ptr<storage, array<Cell>, read>,
  rows: Rows,
  tile: Tile,
  place: vec2u,
) {
  let first = rows.at + tile.first * rows.stride;
  let count = min(TILE, tile.end - tile.first);
  var x = 0u;
  if (tile.one_each) {
    loop {
      add_row_COLUMNS(sums, weights, x, 0, others, first + x * rows.stride, place);
      continuing {
        x++;
        break if x >= count;
      }
    }
  } else {
    loop {
      for (var j = 0u; j < 4; j++) {
        add_row_COLUMNS(sums, weights, x, j, others, first + min(4 * x + j, count - 1) * rows.stride, place);
      }
      continuing {
        x++;
        break if 4 * x >= count;
      }
    }
  }
}
