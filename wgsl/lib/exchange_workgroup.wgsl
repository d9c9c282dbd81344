// Exchanges values between the ACROSS invocations of a row through workgroup memory. lib/exchange_subgroup is for a row that is a subgroup.
// A kernel gives SLOTS vectors, waits, reads those of its neighbours, and waits again before it gives the next.
// Sums and maxima take one vector of four rows at a time, so QUADS is 1.
const_assert QUADS == 1;

var<workgroup> given: array<vec4f, SLOTS * ACROSS * DOWN>; // [slot][x][y]
var<workgroup> of_lane: array<vec4f, ACROSS * DOWN>;       // [y][x]

fn give(own: vec4f, slot: u32, x: u32, y: u32) {
  given[(slot * ACROSS + x) * DOWN + y] = own;
}

fn wait() {
  workgroupBarrier();
}

/// The value that invocation `other` of this row gave to the slot; `own` is the value of this invocation.
fn taken(own: vec4f, slot: u32, other: u32, y: u32) -> vec4f {
  return given[(slot * ACROSS + other) * DOWN + y];
}

/// The largest of a row.
fn row_max(own: vec4f, x: u32, y: u32) -> vec4f {
  of_lane[y * ACROSS + x] = own;
  workgroupBarrier();
  var all = own;
  for (var other = 0u; other < ACROSS; other++) {
    all = max(all, of_lane[y * ACROSS + other]);
  }
  return all;
}

/// The sum of a row, in order.
fn row_sum(own: vec4f, x: u32, y: u32) -> vec4f {
  of_lane[y * ACROSS + x] = own;
  workgroupBarrier();
  var all = vec4f();
  for (var other = 0u; other < ACROSS; other++) {
    all += of_lane[y * ACROSS + other];
  }
  return all;
}

/// Vec i of a row that begins at `at`, read again (from a cache); `own` is Vec x of that row.
fn of_row(own: Vec, rows: ptr<storage, array<Vec>, read>, at: u32, i: u32) -> Vec {
  return rows[at + i];
}

/// Four numbers from memory.
fn four_of(numbers: ptr<storage, array<f32>, read>, at: vec4u, x: u32) -> vec4f {
  return vec4f(numbers[at.x], numbers[at.y], numbers[at.z], numbers[at.w]);
}
