// Rotates the pair (x[i], x[i + K/2]) of every head by SIGN times the angle of its position: t, or position[b] + t with HAS_POSITION.
// With LOW the angle of position p is the sum of two: of row p mod LOW and of row LOW + floor(p / LOW).
//
//   0  xBTHK      [B, T, H, K]         f32  read   rows of H·K, X_STRIDE apart
//   1  table      [positions, 2, K/2]  f32  read   cosines, then sines of each position
//   2  positionB  [1]                  u32  read   ignored unless HAS_POSITION
//   3  yBTHK      [B, T, H, K]         f32  write  rows of H·K, Y_STRIDE apart
//   4  run  the block Run
//
// One invocation per pair, or four neighbouring ones (lib/vec4 or lib/vec1); neighbours read neighbours. Bytes 4·3·B·T·H·K, flops
// 3·B·T·H·K: bound by memory.

override H: u32;
override K: u32;
override SIGN: f32;
override HAS_POSITION: bool;
override LOW: u32;

// Sizes and offsets, in elements. They are set at each launch, so one compilation serves every length and layout.
struct Run {
  PAIRS: u32, // of Vecs: B·T·H·K / (2·WIDTH)
  T: u32,
  X_OFFSET: u32,
  X_STRIDE: u32,
  Y_OFFSET: u32,
  Y_STRIDE: u32,
}

@group(0) @binding(0) var<storage, read> xBTHK: array<Vec>;
@group(0) @binding(1) var<storage, read> table: array<Vec>;
@group(0) @binding(2) var<storage, read> positionB: array<u32>;
@group(0) @binding(3) var<storage, read_write> yBTHK: array<Vec>;
@group(0) @binding(4) var<uniform> run: Run;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let run = run; // read once; some compilers would read the buffer at every use
  let pair = (group.y * groups.x + group.x) * 64 + lane;
  if (pair >= run.PAIRS) {
    return;
  }
  let half = K / (2 * WIDTH);
  let i = pair % half;
  let h = pair / half % H;
  let row = pair / half / H;
  var position = row % run.T;
  if (HAS_POSITION) {
    position += positionB[row / run.T];
  }
  let near = select(position, position % max(LOW, 1u), LOW > 0);
  var cosine = table[2 * half * near + i];
  var sine = table[2 * half * near + half + i];
  if (LOW > 0) {
    let far = LOW + position / max(LOW, 1u);
    let far_cosine = table[2 * half * far + i];
    let far_sine = table[2 * half * far + half + i];
    let near_cosine = cosine;
    cosine = near_cosine * far_cosine - sine * far_sine;
    sine = sine * far_cosine + near_cosine * far_sine;
  }
  sine *= SIGN;
  let x_at = (run.X_OFFSET + row * run.X_STRIDE + h * K) / WIDTH + i;
  let y_at = (run.Y_OFFSET + row * run.Y_STRIDE + h * K) / WIDTH + i;
  let first = xBTHK[x_at];
  let second = xBTHK[x_at + half];
  yBTHK[y_at] = first * cosine - second * sine;
  yBTHK[y_at + half] = first * sine + second * cosine;
}
