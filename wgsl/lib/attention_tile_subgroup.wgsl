enable subgroups;

// lib/attention_tile for software adapters: the workgroup is one row of invocations, and this row is one subgroup. Barriers and workgroup memory cost
// more there than arithmetic, so rows of the block are in registers and invocations exchange numbers by shuffles. Loops over columns and rows must
// not be unrolled: unrolled they compile for half a minute and exceed the processor's instruction cache. So their trip counts are not constants. The
// exit test is at the end of each loop, because with a test at the start lavapipe runs one more round with all lanes inactive.

/// Rows of the other kind from `first` on. If at most ACROSS rows are left (a quarter of a tile), each invocation takes one of them instead of four.
struct Tile {
  first: u32,
  end: u32,
  one_each: bool,
}

fn tile_of(first: u32, end: u32) -> Tile {
  return Tile(first, end, end - first <= ACROSS);
}

/// The four rows of a tile that an invocation multiplies with its own. Rows from `end` on do not exist.
fn tile_rows(tile: Tile, x: u32) -> vec4u {
  return tile.first + select(4 * x + vec4u(0, 1, 2, 3), x + ACROSS * vec4u(0, 1, 2, 3), tile.one_each);
}

/// sums + a · b for four rows a and one row b; a component for each row.
fn dots(a: array<vec4f, 4>, b: vec4f, sums: vec4f) -> vec4f {
  return vec4f(dot4(a[0], b, sums.x), dot4(a[1], b, sums.y), dot4(a[2], b, sums.z), dot4(a[3], b, sums.w));
}

fn dot4(a: vec4f, b: vec4f, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

/// The largest over the invocations of a row.
fn row_max(own: vec4f, place: vec2u) -> vec4f {
  return subgroupMax(own);
}

/// The sum over the invocations of a row, in order.
fn row_sum(own: vec4f, place: vec2u) -> vec4f {
  var all = vec4f();
  for (var other = 0u; other < ACROSS; other++) {
    all += subgroupShuffle(own, other);
  }
  return all;
}

/// Four numbers from memory, loaded by four invocations.
fn four_of(numbers: ptr<storage, array<f32>, read>, at: vec4u, x: u32) -> vec4f {
  let own = numbers[at[x % 4]];
  return vec4f(subgroupBroadcast(own, 0), subgroupBroadcast(own, 1), subgroupBroadcast(own, 2), subgroupBroadcast(own, 3));
}
