// Shared by attention_chunk and attention_decode: one workgroup of LANES invocations has one query and loops over tiles of KEYS
// keys with a running maximum. For the scores of a tile, a lane has EACH keys. For the values there are GROUPS groups of lanes, and
// group i has the keys i, i + GROUPS, …; a lane has V_EACH Vecs of columns. At the end the sums of the groups are added in order.
//
// Inserted before this file: GROUPS, V_EACH; lib/vec4 or lib/vec1 (Vec).
const LANES = 64u;
const EACH = 4u;
const KEYS = LANES * EACH; // of a tile
const COLUMN_LANES = LANES / GROUPS;
const UNSEEN = -1e30; // the score of a key that does not exist or is not visible

var<workgroup> weights: array<f32, KEYS>;
var<workgroup> highest_of: array<f32, LANES>;
var<workgroup> total_of: array<f32, GROUPS>;
var<workgroup> o_of: array<Vec, LANES * V_EACH>; // [group][V_EACH][column lane]

/// The softmax so far, in an invocation: the largest score, the sum of the weights, and the weighted sums of the values.
struct Softmax {
  highest: f32,
  total: f32,
  o: array<Vec, V_EACH>,
}

/// Writes the weights of a tile, lane + LANES, … from lane, and rescales the sums to the new maximum.
fn weigh(softmax: ptr<function, Softmax>, scores: array<f32, EACH>, lane: u32) {
  highest_of[lane] = max(max(scores[0], scores[1]), max(scores[2], scores[3]));
  workgroupBarrier();
  var higher = (*softmax).highest;
  for (var other = 0u; other < LANES; other++) {
    higher = max(higher, highest_of[other]);
  }
  for (var j = 0u; j < EACH; j++) {
    weights[lane + j * LANES] = select(exp(scores[j] - higher), 0.0, scores[j] == UNSEEN);
  }
  let shrink = exp((*softmax).highest - higher);
  (*softmax).highest = higher;
  (*softmax).total *= shrink;
  for (var i = 0u; i < V_EACH; i++) {
    (*softmax).o[i] *= shrink;
  }
  workgroupBarrier();
}

/// Stores the sums of every group for `output`.
fn share_sums(softmax: ptr<function, Softmax>, lane: u32) {
  let part = lane / COLUMN_LANES;
  total_of[part] = (*softmax).total; // all lanes of a group have the same
  for (var i = 0u; i < V_EACH; i++) {
    o_of[(part * V_EACH + i) * COLUMN_LANES + lane % COLUMN_LANES] = (*softmax).o[i];
  }
  workgroupBarrier();
}

/// Vec `at` of the output. The sums of the groups are added in order.
fn output(at: u32) -> Vec {
  var total = 0.0;
  var sum = Vec(0.0);
  for (var other = 0u; other < GROUPS; other++) {
    total += total_of[other];
    sum += o_of[other * V_EACH * COLUMN_LANES + at];
  }
  return sum / total;
}
