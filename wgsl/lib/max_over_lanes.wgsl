// The largest value over a workgroup of LANES, one value per lane, as a tree. Needs lib/sum_over_lanes before it.
var<workgroup> lane_maxima: array<f32, LANES>;

fn max_over_lanes(value: f32, lane: u32) -> f32 {
  lane_maxima[lane] = value;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      lane_maxima[lane] = max(lane_maxima[lane], lane_maxima[lane + half]);
    }
  }
  return workgroupUniformLoad(&lane_maxima[0]);
}
