enable subgroups;

// lib/sum_over_lanes and lib/max_over_lanes for a workgroup of LANES that is one subgroup: the same trees, with shuffles. Every
// invocation gets the result.
override LANES: u32;

fn sum_over_lanes(value: f32, lane: u32) -> f32 {
  var sum = value;
  for (var half = LANES / 2; half > 0; half /= 2) {
    sum += subgroupShuffleXor(sum, half);
  }
  return sum;
}

fn max_over_lanes(value: f32, lane: u32) -> f32 {
  return subgroupMax(value);
}
