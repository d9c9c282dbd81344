import type { AttributesNamed } from "../../ops/registry.ts";
import type { Lowering } from "../launch.ts";

const sizesOf = ({ T, H, G, K, Kv, window, meta, crop }: AttributesNamed<"cropped_attention_forward">) => ({
  T,
  H,
  G,
  K,
  Kv,
  window,
  meta,
  crop,
});

export const croppedAttentionForward: Lowering<"cropped_attention_forward"> = (
  { attributes, reads: { q, k, v }, writes: { o, lse } },
) => [{
  kernel: "cropped_attention_forward",
  args: {
    q,
    k,
    v,
    o,
    lse,
    strideQ: q.rowStride,
    strideK: k.rowStride,
    strideV: v.rowStride,
    strideO: o.rowStride,
    ...sizesOf(attributes),
  },
  blocks: attributes.B * attributes.H,
}];

export const croppedAttentionBackward: Lowering<"cropped_attention_backward"> = (
  { attributes, reads: { q, k, v, o, lse, dO }, writes: { dq, dk, dv }, accumulate },
) => [{
  kernel: "cropped_attention_backward",
  args: {
    q,
    k,
    v,
    o,
    lse,
    dO,
    dq,
    dk,
    dv,
    strideQ: q.rowStride,
    strideK: k.rowStride,
    strideV: v.rowStride,
    strideO: o.rowStride,
    strideDo: dO.rowStride,
    strideDq: dq.rowStride,
    strideDk: dk.rowStride,
    strideDv: dv.rowStride,
    ...sizesOf(attributes),
    accumulate: accumulate.includes("dk") ? 1 : 0,
  },
  blocks: attributes.B * attributes.G,
}];
