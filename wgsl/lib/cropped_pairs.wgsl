// The documented study's leaky mask, and dot products of one query with one key. From the kernel's block Run: sizes T, H, G, K, V, places, WINDOW,
// META and CROP. Text key s is treated as position s - CROP. Text keys before META + CROP do not exist. Every query sees every meta key.

fn sees(t: u32, s: u32) -> bool {
  let behind = i32(t + run.CROP) - i32(s);
  return s < run.META || (s >= run.META + run.CROP && behind >= 0 && behind < i32(run.WINDOW));
}

fn score(q_at: u32, k_at: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < run.K; i++) {
    sum += q[q_at + i] * k[k_at + i];
  }
  return sum * inverseSqrt(f32(run.K));
}
