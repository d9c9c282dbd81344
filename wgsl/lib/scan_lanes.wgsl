// Shared by the scan's kernels for software adapters (selective_scan_forward_subgroup and _backward_subgroup). A workgroup is one subgroup of LANES
// invocations. Each invocation holds WIDE states of a channel, and loads and stores the positions lane, lane + LANES, … of STEPS positions.
//
// Inserted before this file: WIDE, STEPS, OWN = STEPS / LANES, STEP_QUADS = STEPS / 4, TOTAL_QUADS = LANES / 4; lib/lane_totals_*.

override I: u32;
override N: u32;
override SOFTPLUS: bool;
override HAS_Z: bool;
const CHUNK = 32u;
const STATE_QUADS = STEPS * WIDE / 4; // of an invocation's B or C, [t][n]
const UNROLL_UP_TO = 200000; // core/webgpu/unroll.ts: loops over states and positions index registers
const LOG2_E = 1.4426950408889634;

/// Vector `quad` of an invocation's B or C, [t][n] from row `first` on. Rows after `last` repeat it; columns beyond N are zero.
fn own_states(lane: u32, quad: u32, offset: u32, first: u32, last: u32, stride: u32) -> vec4f {
  var own = vec4f();
  for (var e = 0u; e < 4; e++) {
    let n = lane * WIDE + (quad * 4 + e) % WIDE;
    let number = bcBT2N[offset + min(first + (quad * 4 + e) / WIDE, last) * stride + min(n, N - 1)];
    own[e] = select(0.0, number, n < N);
  }
  return own;
}

/// The totals over the subgroup at the positions of this invocation, from its share of each position.
fn own_totals(shares: array<vec4f, STEP_QUADS>, lane: u32) -> array<f32, OWN> {
  var totals = array<f32, OWN>();
  for (var s = 0u; s < OWN; s++) {
    var values = array<vec4f, TOTAL_QUADS>();
    for (var k = 0u; k < TOTAL_QUADS; k++) {
      values[k] = shares[s * TOTAL_QUADS + k];
    }
    totals[s] = own_total(values, lane);
  }
  return totals;
}
