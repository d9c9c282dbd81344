// The sum over a workgroup of LANES (a power of two), one value per lane, as a tree of fixed shape: the same bits every time.
override LANES: u32 = 64;

var<workgroup> lane_values: array<f32, LANES>;

fn sum_over_lanes(value: f32, lane: u32) -> f32 {
  lane_values[lane] = value;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      lane_values[lane] += lane_values[lane + half];
    }
  }
  return workgroupUniformLoad(&lane_values[0]);
}
