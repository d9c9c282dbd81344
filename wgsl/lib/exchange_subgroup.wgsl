enable subgroups;

// Exchanges values between the ACROSS invocations of a row, where the workgroup is one row and this row is one subgroup. For software
// adapters, whose barriers and workgroup memory cost more than the arithmetic between them. lib/exchange_workgroup is for all others.
fn give(own: vec4f, slot: u32, x: u32, y: u32) {}

fn wait() {}

/// The value that invocation `other` of this row gave to the slot; `own` is the value of this invocation.
fn taken(own: vec4f, slot: u32, other: u32, y: u32) -> vec4f {
  return subgroupShuffle(own, other);
}

/// The largest of a row.
fn row_max(own: vec4f, x: u32, y: u32) -> vec4f {
  return subgroupMax(own);
}

/// The sum of a row, in order.
fn row_sum(own: vec4f, x: u32, y: u32) -> vec4f {
  var all = vec4f();
  for (var other = 0u; other < ACROSS; other++) {
    all += subgroupShuffle(own, other);
  }
  return all;
}

/// Vec i of a row in memory, from the invocation that loaded it: `own` is Vec x of that row.
fn of_row(own: Vec, rows: ptr<storage, array<Vec>, read>, at: u32, i: u32) -> Vec {
  return subgroupShuffle(own, i);
}

/// Four numbers from memory, loaded by four invocations.
fn four_of(numbers: ptr<storage, array<f32>, read>, at: vec4u, x: u32) -> vec4f {
  let own = numbers[at[x % 4]];
  return vec4f(subgroupBroadcast(own, 0), subgroupBroadcast(own, 1), subgroupBroadcast(own, 2), subgroupBroadcast(own, 3));
}
