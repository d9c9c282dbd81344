// The largest of one value a lane over a workgroup of LANES, as a tree; lib/sum_over_lanes stands in front.
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
