enable subgroups;

// Totals over a subgroup of 4 lanes, handed out: of four values that every lane has, lane l gets the total of the l-th. Each step halves
// the values and the distance, so that three shuffles make four totals; the order of the sums is fixed. lib/lane_totals_8 and
// lib/lane_totals_16 are the same for other subgroups.
const LANES = 4u;

fn own_total4(values: vec4f, lane: u32) -> f32 {
  let upper = (lane & 2) != 0;
  let two = select(values.xy, values.zw, upper) + quadSwapY(select(values.zw, values.xy, upper));
  let odd = (lane & 1) != 0;
  return select(two.x, two.y, odd) + quadSwapX(select(two.y, two.x, odd));
}

/// Of LANES values, that of this lane.
fn own_total(values: array<vec4f, LANES / 4>, lane: u32) -> f32 {
  return own_total4(values[0], lane);
}
