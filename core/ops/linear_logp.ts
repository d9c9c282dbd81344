/** Output head and log-probability of the target tokens in one op: the logits of a whole batch are never stored. */
import { HymbaError } from "../errors.ts";
import { defineOp, dimsOf, expectShape, type Tape, type Tensor } from "../tensor/mod.ts";

export const linearLogpForward = defineOp({
  name: "linear_logp_forward",
  phase: "forward",
  attributes: ["R", "D", "V", "chunk"],
  reads: { x: "R D", w: "V D", targets: "R" },
  writes: { logp: "R", lse: "R" },
  flops: ({ R, D, V }) => 2 * R * D * V,
  exactWrites: ["logp", "lse"],
});

export const linearLogpBackward = defineOp({
  name: "linear_logp_backward",
  phase: "backward",
  attributes: ["R", "D", "V", "chunk"],
  reads: { dlogp: "R", x: "R D", w: "V D", targets: "R", lse: "R", logp: "R" },
  writes: { dx: "R D", dw: "V D" },
  flops: ({ R, D, V }) => 6 * R * D * V,
  // The backward pass computes the logits again from x, and subtracts the log-sum-exp of the forward pass.
  exactReads: ["x"],
});

/** Columns of logits that are in memory at one time. */
const VOCABULARY_CHUNK = 1024;

/**
 * logp[b, t] = x[b, t] · w[target] − log Σ_v exp(x[b, t] · w[v]).
 * Shapes: x [B, T, D], w [V, D], targets [B, T] u32; returns logp [B, T] and lse [B, T].
 * Both passes go over the vocabulary in chunks; the backward pass computes each chunk of logits again.
 * Near p = 1 both keep their digits: with d = log Σ exp of the other logits − logit of the target, logp = −softplus(d), and the
 * gradient at the target is dlogp · (1 − p) = −dlogp · expm1(logp), which is why the backward pass reads logp.
 */
export function linearLogp(
  tape: Tape,
  { x, w, targets }: { x: Tensor; w: Tensor; targets: Tensor },
): { logp: Tensor; lse: Tensor } {
  const [B, T] = dimsOf(targets, 2), [V, D] = dimsOf(w, 2);
  expectShape(x, [B, T, D], "linear_logp");
  const R = B * T;
  const logp = tape.tensor("logp", [B, T]), lse = tape.tensor("lse", [B, T]);
  const attributes = { R, D, V, chunk: Math.min(V, VOCABULARY_CHUNK) };
  tape.step(linearLogpForward, {
    attributes,
    reads: { x, w, targets },
    writes: { logp, lse },
  });
  tape.onBackward(() => {
    const dlogp = tape.gradient(logp);
    if (!dlogp) return;
    const dx = tape.target(x), dw = tape.target(w);
    if (!dx || !dw || dx.accumulate || dw.accumulate) {
      throw new HymbaError("linear_logp: its input or weight already has a gradient", {
        expected: "the head is the first op of the backward pass",
      });
    }
    const writes = { dx: dx.tensor, dw: dw.tensor };
    tape.step(linearLogpBackward, {
      attributes,
      reads: { dlogp, x, w, targets, lse, logp },
      writes,
    });
  });
  return { logp, lse };
}
