import code from "../../../wgsl/attention_map.wgsl" with { type: "text" };
import sees from "../../../wgsl/lib/sees.wgsl" with { type: "text" };
import { kernel, linearGrid, type Lowering, placeOf } from "../launch.ts";

const KERNEL = kernel("attention_map", sees, code);

export const attentionMap: Lowering = (
  { attributes: { T, H, G, K, window, meta }, reads: { q, k, lse }, writes: { p } },
) => [{
  kernel: KERNEL,
  constants: {
    T: T!,
    H: H!,
    G: G!,
    K: K!,
    WINDOW: window!,
    META: meta!,
    CROP: 0,
    ...placeOf("Q", q!),
    ...placeOf("K", k!),
  },
  reads: [q!, k!, lse!],
  writes: [p!],
  grid: linearGrid(Math.ceil(H! * T! * T! / 64)),
}];
