/** Output head and log-probability of the target tokens in one op: the logits of a whole batch are never stored. */
import { HymbaError } from "../errors.ts";
import { expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

/** Columns of logits that exist at one time. */
export const VOCABULARY_CHUNK = 1024;

/**
 * logp[b, t] = x[b, t] · w[target] − log Σ_v exp(x[b, t] · w[v]).
 * Shapes: x [B, T, D], w [V, D], targets [B, T] u32; returns logp [B, T] and lse [B, T].
 * Both passes go over the vocabulary in chunks; the backward pass makes each chunk of logits again.
 * Near p = 1 both keep their digits: with d = log Σ exp of the other logits − logit of the target, logp = −softplus(d), and the
 * gradient at the target is dlogp · (1 − p) = −dlogp · expm1(logp), which is why the backward pass reads logp.
 */
export function linearLogp(
  tape: Tape,
  { x, w, targets }: { x: Tensor; w: Tensor; targets: Tensor },
): { logp: Tensor; lse: Tensor } {
  const [B, T] = targets.shape as [number, number], [V, D] = w.shape as [number, number];
  expectShape(x, [B, T, D], "linear_logp");
  const R = B * T;
  const logp = tape.tensor("logp", [B, T]), lse = tape.tensor("lse", [B, T]);
  const attributes = { R, D, V, chunk: Math.min(V, VOCABULARY_CHUNK) };
  tape.step("linear_logp_forward", {
    attributes,
    reads: { x, w, targets },
    writes: { logp, lse },
    flops: 2 * R * D * V,
  });
  tape.onBackward(() => {
    const dlogp = tape.gradient(logp);
    if (!dlogp) return;
    const dx = tape.target(x), dw = tape.target(w);
    if (!dx || !dw || dx.accumulate || dw.accumulate) throw new HymbaError("linear_logp: the head runs backward first");
    const writes = { dx: dx.tensor, dw: dw.tensor };
    tape.step("linear_logp_backward", {
      attributes,
      reads: { dlogp, x, w, targets, lse, logp },
      writes,
      flops: 6 * R * D * V,
    });
  });
  return { logp, lse };
}
