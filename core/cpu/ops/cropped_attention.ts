import type { AttributesNamed } from "../../ops/registry.ts";
import { type Lowering, stridesOf } from "../launch.ts";

function sizesOf({ T, H, G, K, Kv, window, meta, crop }: AttributesNamed<"cropped_attention_forward">) {
  return { T, H, G, K, Kv, window, meta, crop };
}

export const croppedAttentionForward: Lowering<"cropped_attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
) => [{
  kernel: "cropped_attention_forward",
  args: { q, k, v, o, lse, ...stridesOf({ q, k, v, o }), ...sizesOf(attributes) },
  blocks: attributes.B * attributes.H,
}];

export const croppedAttentionBackward: Lowering<"cropped_attention_backward"> = (
  { attributes, reads: { q, k, v, o, lse, dO }, writes: { dq, dk, dv }, accumulate },
) => {
  const strides = stridesOf({ q, k, v, o, do: dO, dq, dk, dv }), sizes = sizesOf(attributes);
  return [{
    kernel: "cropped_attention_backward",
    args: { q, k, v, o, lse, dO, dq, dk, dv, ...strides, ...sizes, accumulate: accumulate.includes("dk") ? 1 : 0 },
    blocks: attributes.B * attributes.G,
  }];
};
