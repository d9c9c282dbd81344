/** The probabilities of batch row 0, p [H, T, T], zero where a key is not visible. One block takes `rows` queries of all heads. */
import { visible } from "./lib/mask";
import { exp } from "./lib/activations";
import { bytes, load4, madd, sum4 } from "./lib/vector";

@unmanaged
class AttentionMap {
  q: usize;
  k: usize;
  /** [B, T, H]. */
  lse: usize;
  p: usize;
  strideQ: i32;
  strideK: i32;
  T: i32;
  H: i32;
  G: i32;
  K: i32;
  window: i32;
  meta: i32;
  rows: i32;
}

function dot(a: usize, b: usize, n: i32): f32 {
  let sum = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) sum = madd(load4(a + bytes(i), n - i), load4(b + bytes(i), n - i), sum);
  return sum4(sum);
}

export function attention_map(args: AttentionMap, block: i32, _workspace: usize): void {
  const T = args.T, H = args.H, K = args.K, end = min(T, (block + 1) * args.rows), scale = 1 / Math.sqrt(<f64> K);
  for (let t = block * args.rows; t < end; t++) {
    for (let h = 0; h < H; h++) {
      const q = args.q + bytes(t * args.strideQ + h * K), lse = load<f32>(args.lse + bytes(t * H + h));
      const k = args.k + bytes((h / (H / args.G)) * K), to = args.p + bytes((h * T + t) * T);
      for (let s = 0; s < T; s++) {
        let probability: f32 = 0;
        if (i32x4.extract_lane(visible(t, s, args.window, args.meta), 0)) {
          const score = <f32> (<f64> dot(q, k + bytes(s * args.strideK), K) * scale) - lse;
          probability = f32x4.extract_lane(exp(f32x4.splat(score)), 0);
        }
        store<f32>(to + bytes(s), probability);
      }
    }
  }
}
