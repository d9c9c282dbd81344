enable subgroups;

// lib/lane_totals_4 for a subgroup of 8 lanes.
const LANES = 8u;

fn own_total4(values: vec4f, lane: u32) -> f32 {
  let upper = (lane & 2) != 0;
  let two = select(values.xy, values.zw, upper) + subgroupShuffleXor(select(values.zw, values.xy, upper), 2);
  let odd = (lane & 1) != 0;
  return select(two.x, two.y, odd) + subgroupShuffleXor(select(two.y, two.x, odd), 1);
}

/// The value with the index of this lane.
fn own_total(values: array<vec4f, LANES / 4>, lane: u32) -> f32 {
  let upper = (lane & 4) != 0;
  let four = select(values[0], values[1], upper) + subgroupShuffleXor(select(values[1], values[0], upper), 4);
  return own_total4(four, lane);
}
