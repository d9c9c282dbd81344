enable subgroups;

// Totals over a subgroup of 4 lanes. Every lane has four values, and lane l gets the total of the l-th values. Each step halves the number of values
// and the distance between lanes, so three shuffles compute four totals. The order of the sums is fixed. lib/lane_totals_8 and lib/lane_totals_16 are
// for larger subgroups.
const LANES = 4u;

fn own_total4(values: vec4f, lane: u32) -> f32 {
  let upper = (lane & 2) != 0;
  let two = select(values.xy, values.zw, upper) + quadSwapY(select(values.zw, values.xy, upper));
  let odd = (lane & 1) != 0;
  return select(two.x, two.y, odd) + quadSwapX(select(two.y, two.x, odd));
}

/// The value with the index of this lane.
fn own_total(values: array<vec4f, LANES / 4>, lane: u32) -> f32 {
  return own_total4(values[0], lane);
}
