import code from "../../../wgsl/attention_map.wgsl" with { type: "text" };
import sees from "../../../wgsl/lib/sees.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placesOf } from "../launch.ts";

const KERNEL = kernel("attention_map", sees, code);

export const attentionMap: Lowering<"attention_map"> = (
  { attributes: { T, H, G, K, window, meta }, reads: { q, k, lse }, writes: { p } },
) => [{
  kernel: KERNEL,
  constants: { T, H, G, K, WINDOW: window, META: meta, ...placesOf({ Q: q, K: k }) },
  reads: [q, k, lse],
  writes: [p],
  grid: linearGrid(Math.ceil(H * T * T / 64)),
}];
