/** The documented study's local attention, which shows queries their own future. Kept as evidence; no model uses it. */
import { HymbaError } from "../errors.ts";
import { ATTENTION_BACKWARD, ATTENTION_FORWARD, attentionGradients } from "./attention.ts";
import { type Attributes, defineOp, dimsOf, type Tape, type Tensor } from "../tensor/mod.ts";

const sizes = ["B", "T", "H", "G", "K", "Kv", "window", "meta", "crop"] as const;
type Sizes = Attributes<typeof sizes[number]>;

/** Every pair of a query and a key is computed: the op need not be fast. */
const pairsOf = ({ B, T, H }: Sizes) => B * H * T * T;

export const croppedAttentionForward = defineOp({
  name: "cropped_attention_forward",
  phase: "forward",
  attributes: sizes,
  ...ATTENTION_FORWARD,
  flops: (sizes) => 2 * pairsOf(sizes) * (sizes.K + sizes.Kv),
  exactWrites: ["lse"],
});

export const croppedAttentionBackward = defineOp({
  name: "cropped_attention_backward",
  phase: "backward",
  attributes: sizes,
  ...ATTENTION_BACKWARD,
  flops: (sizes) => 2 * pairsOf(sizes) * (4 * sizes.K + 3 * sizes.Kv),
  exactReads: ["q", "k"],
});

/**
 * o = softmax(q · kᵀ / √K + mask) · v with the documented study's mask. Of the text's keys only the last `window` are left, and
 * the causal window is applied to their indices as if these were positions: key meta + crop + j counts as position meta + j.
 * Every query sees every meta key. `core/proof/leaky_mask.ts` has the same rule as a mask.
 * Shapes: q [B, T, H, K], k [B, T, G, K] after rotary, v [B, T, G, Kv], with T = meta + crop + window; returns o [B, T, H, Kv].
 */
export function croppedAttention(
  tape: Tape,
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  { window, meta, crop, into }: { window: number; meta: number; crop: number; into?: Tensor },
): { o: Tensor; lse: Tensor } {
  const [B, T, H, K] = dimsOf(q, 4), [, , G, Kv] = dimsOf(v, 4);
  if (crop === 0 || window === 0 || meta === 0 || T !== meta + crop + window) {
    throw new HymbaError("cropped attention needs meta tokens before the crop and one window of text after it", {
      expected: "positions = meta + crop + window, none of them 0",
      got: `${T} positions, meta ${meta}, crop ${crop}, window ${window}`,
    });
  }
  const o: Tensor = into ?? { ...tape.tensor("attended", [B, T, H * Kv]), shape: [B, T, H, Kv], lead: 2 };
  const lse = tape.tensor("lse", [B, T, H]), attributes = { B, T, H, G, K, Kv, window, meta, crop };
  tape.step(croppedAttentionForward, { attributes, reads: { q, k, v }, writes: { o, lse } });
  tape.onBackward(() => {
    const dO = tape.gradient(o);
    if (!dO) return;
    const gradients = attentionGradients(tape, { q, k, v });
    tape.step(croppedAttentionBackward, { attributes, reads: { q, k, v, o, lse, dO }, ...gradients });
  });
  return { o, lse };
}
