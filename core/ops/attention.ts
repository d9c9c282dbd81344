/** Causal attention in flash form: neither scores nor probabilities are stored, only the log-sum-exp of each row. */
import { HymbaError } from "../errors.ts";
import { expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

/** Which keys a query sees: k ≤ q and (window = 0 or q − k < window or k < meta). */
export interface Visibility {
  /** Keys per query including itself; 0 means all (global attention). */
  window: number;
  /** Leading positions that every later position sees. */
  meta: number;
}

/**
 * The documented study's local attention, kept as evidence: of the text's keys only the last `window` are left, and the causal
 * window is applied to their indices as if they were positions. Key meta + crop + j then counts as position meta + j, so
 * queries are given their own future; meta keys are seen by all. `core/proof/leaky_mask.ts` says the same as a mask.
 */
export interface Crop {
  /** Text positions cut off at the front; 0, as everywhere but in the leak experiment: none. */
  crop?: number;
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
  { window, meta, crop = 0, into }: Visibility & Crop & { into?: Tensor },
): { o: Tensor; lse: Tensor } {
  const [B, T, H, K] = q.shape as [number, number, number, number],
    [, , G, Kv] = v.shape as [number, number, number, number];
  check({ q, k, v });
  if (crop > 0 && (window === 0 || meta === 0 || T !== meta + crop + window)) {
    throw new HymbaError(
      "attention: cropped keys need meta tokens in front, and leave exactly one window of text behind the crop",
    );
  }
  const o: Tensor = into ?? { ...tape.tensor("attended", [B, T, H * Kv]), shape: [B, T, H, Kv], lead: 2 };
  expectShape(o, [B, T, H, Kv], "attention");
  const lse = tape.tensor("lse", [B, T, H]);
  const attributes = { B, T, H, G, K, Kv, window, meta, crop };
  const pairs = B * H * visiblePairs(T, { window, meta });
  tape.step("attention_forward", { attributes, reads: { q, k, v }, writes: { o, lse }, flops: 2 * pairs * (K + Kv) });
  tape.onBackward(() => {
    const dO = tape.gradient(o);
    if (!dO) return;
    const dq = tape.target(q), dk = tape.target(k), dv = tape.target(v);
    if (!dq || !dk || !dv || dq.accumulate || dk.accumulate !== dv.accumulate) {
      throw new HymbaError("attention: queries have one use; keys and values are shared together or not at all");
    }
    const writes = { dq: dq.tensor, dk: dk.tensor, dv: dv.tensor };
    // Layers that share keys and values run backward one after the other, and each adds its part.
    const accumulate = dk.accumulate ? ["dk", "dv"] : [];
    tape.step("attention_backward", {
      attributes,
      reads: { q, k, v, o, lse, dO },
      writes,
      accumulate,
      flops: 2 * pairs * (4 * K + 3 * Kv),
    });
  });
  return { o, lse };
}

function check({ q, k, v }: { q: Tensor; k: Tensor; v: Tensor }): void {
  const [B, T, H, K] = q.shape, [, , G, Kv] = v.shape;
  const wrong = [q, k, v].some((x) => x.shape.length !== 4 || x.lead !== 2) || k.shape.join() !== [B, T, G, K].join() ||
    v.shape.join() !== [B, T, G, Kv].join() || H! % G! !== 0;
  if (wrong) {
    throw new HymbaError(`attention: q is [${q.shape}], k [${k.shape}], v [${v.shape}]`, {
      expected: "q [B,T,H,K], k [B,T,G,K], v [B,T,G,Kv] with B·T rows and H a multiple of G",
    });
  }
}
