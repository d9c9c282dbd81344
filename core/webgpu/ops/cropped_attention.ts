import backwardCode from "../../../wgsl/cropped_attention_backward.wgsl" with { type: "text" };
import forwardCode from "../../../wgsl/cropped_attention_forward.wgsl" with { type: "text" };
import pairs from "../../../wgsl/lib/cropped_pairs.wgsl" with { type: "text" };
import type { AttributesNamed } from "../../ops/registry.ts";
import type { Tensor } from "../../tensor/mod.ts";
import { kernel, type Launch, type Lowering, placesOf } from "../launch.ts";

const FORWARD = kernel("cropped_attention_forward", forwardCode, pairs);
const BACKWARD = kernel("cropped_attention_backward", backwardCode, pairs);

function constantsOf(
  { B, T, H, G, K, Kv, window, meta, crop }: AttributesNamed<"cropped_attention_forward">,
  places: Readonly<Record<string, Tensor>>,
): Record<string, number> {
  return { B, T, H, G, K, V: Kv, WINDOW: window, META: meta, CROP: crop, ...placesOf(places) };
}

export const croppedAttentionForward: Lowering<"cropped_attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
) => [{
  kernel: FORWARD,
  constants: constantsOf(attributes, { Q: q, K: k, V: v, O: o }),
  reads: [q, k, v],
  writes: [o, lse],
  grid: [Math.ceil(attributes.B * attributes.T * attributes.H / 64), 1, 1],
}];

export const croppedAttentionBackward: Lowering<"cropped_attention_backward"> = (
  { attributes, reads: { q, k, v, o, lse, dO }, writes: { dq, dk, dv }, accumulate },
) =>
  ([["dq", dq], ["dk", dk], ["dv", dv]] as const).map(([role, out], PART): Launch => ({
    kernel: BACKWARD,
    constants: {
      ...constantsOf(attributes, { Q: q, K: k, V: v, O: o, DO: dO, OUT: out }),
      PART,
      ACCUMULATE: accumulate.includes(role) ? 1 : 0,
    },
    reads: [q, k, v, o, lse, dO],
    writes: [out],
    grid: [Math.ceil(attributes.B * attributes.T * (PART === 0 ? attributes.H : attributes.G) / 64), 1, 1],
  }));
