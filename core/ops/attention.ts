/** Causal attention in flash form: neither scores nor probabilities are stored, only the log-sum-exp of each row. */
import { HymbaError } from "../errors.ts";
import { type Attributes, defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

const sizes = ["B", "T", "H", "G", "K", "Kv", "window", "meta"] as const;
/** The tensors of both passes, with their shapes. */
export const ATTENTION_FORWARD = {
  reads: { q: "B T H K", k: "B T G K", v: "B T G Kv" },
  writes: { o: "B T H Kv", lse: "B T H" },
} as const;
export const ATTENTION_BACKWARD = {
  reads: { ...ATTENTION_FORWARD.reads, ...ATTENTION_FORWARD.writes, dO: "B T H Kv" },
  writes: { dq: "B T H K", dk: "B T G K", dv: "B T G Kv" },
} as const;
type Sizes = Attributes<typeof sizes[number]>;

/** Query-key pairs of all heads and batch rows. */
const pairsOf = ({ B, T, H, window, meta }: Sizes) => B * H * visiblePairs(T, { window, meta });

export const attentionForward = defineOp({
  name: "attention_forward",
  phase: "forward",
  attributes: sizes,
  ...ATTENTION_FORWARD,
  flops: (sizes) => 2 * pairsOf(sizes) * (sizes.K + sizes.Kv),
  exactWrites: ["lse"],
});

export const attentionBackward = defineOp({
  name: "attention_backward",
  phase: "backward",
  attributes: sizes,
  ...ATTENTION_BACKWARD,
  flops: (sizes) => 2 * pairsOf(sizes) * (4 * sizes.K + 3 * sizes.Kv),
  // The backward pass computes the scores again and subtracts the log-sum-exp. With q and k in bf16, a score of 50 is off by 0.1.
  exactReads: ["q", "k"],
});

/** Which keys a query sees: k ≤ q and (window = 0 or q − k < window or k < meta). */
export interface Visibility {
  /** Keys per query including itself; 0 means all (global attention). */
  window: number;
  /** Leading positions that every later position sees. */
  meta: number;
}

/** Query–key pairs that a mask lets through among T positions, for one head. */
export function visiblePairs(T: number, { window, meta }: Visibility): number {
  if (window === 0) return T * (T + 1) / 2;
  let pairs = 0;
  for (let q = 0; q < T; q++) {
    const first = Math.max(0, q - window + 1);
    pairs += q - first + 1 + Math.min(meta, first);
  }
  return pairs;
}

/**
 * o = softmax(q · kᵀ / √K + mask) · v, query head h with key head floor(h / (H / G)).
 * Shapes: q [B, T, H, K], k [B, T, G, K] after rotary, v [B, T, G, Kv], all with B·T rows (slices allowed; Kv may differ from K);
 * returns o [B, T, H, Kv] (or `into`) and lse [B, T, H], the natural log of each row's sum of exponentials.
 * Source: Dao, "FlashAttention-2", 2023; backward as two passes, one by queries for dq and one by keys for dk and dv.
 */
export function attention(
  tape: Tape,
  { q, k, v }: { q: Tensor; k: Tensor; v: Tensor },
  { window, meta, into }: Visibility & { into?: Tensor },
): { o: Tensor; lse: Tensor } {
  const [B, T, H, K] = dimsOf(q, 4), [, , G, Kv] = dimsOf(v, 4);
  check({ q, k, v });
  const o: Tensor = into ?? { ...tape.tensor("attended", [B, T, H * Kv]), shape: [B, T, H, Kv], lead: 2 };
  expectShape(o, [B, T, H, Kv], "attention");
  const lse = tape.tensor("lse", [B, T, H]);
  const attributes = { B, T, H, G, K, Kv, window, meta };
  tape.step(attentionForward, { attributes, reads: { q, k, v }, writes: { o, lse } });
  tape.onBackward(() => {
    const dO = tape.gradient(o);
    if (!dO) return;
    tape.step(attentionBackward, {
      attributes,
      reads: { q, k, v, o, lse, dO },
      ...attentionGradients(tape, { q, k, v }),
    });
  });
  return { o, lse };
}

/**
 * Where the backward step writes the gradients of q, k and v. Layers that share keys and values run backward one after the other,
 * and each adds its part. Throws a HymbaError when queries have two uses, or when only keys or only values are shared.
 */
export function attentionGradients(tape: Tape, { q, k, v }: { q: Tensor; k: Tensor; v: Tensor }) {
  const dq = tape.target(q), dk = tape.target(k), dv = tape.target(v);
  if (!dq || !dk || !dv || dq.accumulate || dk.accumulate !== dv.accumulate) {
    throw new HymbaError(
      "attention: the queries have several uses, or only keys or only values do; expected: one use of queries",
    );
  }
  const accumulate: ("dk" | "dv")[] = dk.accumulate ? ["dk", "dv"] : [];
  return { writes: { dq: dq.tensor, dk: dk.tensor, dv: dv.tensor }, accumulate };
}

function check({ q, k, v }: { q: Tensor; k: Tensor; v: Tensor }): void {
  const [B, T, H, K] = dimsOf(q, 4), [, , G, Kv] = dimsOf(v, 4);
  const wrong = [q, k, v].some(({ lead }) => lead !== 2) || k.shape.join() !== [B, T, G, K].join() ||
    v.shape.join() !== [B, T, G, Kv].join() || H % G !== 0;
  if (wrong) {
    throw new HymbaError(`attention: q is [${q.shape}], k [${k.shape}], v [${v.shape}]`, {
      expected: "q [B,T,H,K], k [B,T,G,K], v [B,T,G,Kv] with B·T rows and H a multiple of G",
    });
  }
}
