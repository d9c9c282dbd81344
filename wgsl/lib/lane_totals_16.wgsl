enable subgroups;

// lib/lane_totals_4 for a subgroup of 16 lanes.
const LANES = 16u;

fn own_total4(values: vec4f, lane: u32) -> f32 {
  let upper = (lane & 2) != 0;
  let two = select(values.xy, values.zw, upper) + subgroupShuffleXor(select(values.zw, values.xy, upper), 2);
  let odd = (lane & 1) != 0;
  return select(two.x, two.y, odd) + subgroupShuffleXor(select(two.y, two.x, odd), 1);
}

fn own_total8(first: vec4f, second: vec4f, lane: u32) -> f32 {
  let upper = (lane & 4) != 0;
  return own_total4(select(first, second, upper) + subgroupShuffleXor(select(second, first, upper), 4), lane);
}

/// The value with the index of this lane.
fn own_total(values: array<vec4f, LANES / 4>, lane: u32) -> f32 {
  let upper = (lane & 8) != 0;
  let first = select(values[0], values[2], upper) + subgroupShuffleXor(select(values[2], values[0], upper), 8);
  let second = select(values[1], values[3], upper) + subgroupShuffleXor(select(values[3], values[1], upper), 8);
  return own_total8(first, second, lane);
}
