/**
 * Output head and log-probability of the targets in float64: logits = x · wᵀ, logp = logit of the target − log Σ exp(logits).
 * Near logp = 0 the difference loses its digits. So logp = −softplus(log Σ exp(other logits) − logit of the target).
 */
import { softplus } from "./activations.ts";
import { addScaled, type Array64, dot, zeros, zerosLike } from "./typed_array.ts";
import type { Reference } from "./types.ts";

/** The logits [V] of row r. */
function logitsOf({ x, w }: { x: Array64; w: Array64 }, { r, V }: { r: number; V: number }): Array64 {
  const logits = zeros(V);
  for (let v = 0; v < V; v++) logits.set(dot(x.row(r), w.row(v)), v);
  return logits;
}

/** Makes logp and lse, the log of the sum of all exponentials. */
export const linearLogpForward: Reference<"linear_logp_forward"> = ({ x, w, targets }, { R, V }) => {
  const logp = zeros(R), lse = zeros(R);
  for (let r = 0; r < R; r++) {
    const logits = logitsOf({ x, w }, { r, V }), target = targets.at(r);
    let highest = -Infinity, sum = 0;
    for (let v = 0; v < V; v++) if (v !== target) highest = Math.max(highest, logits.at(v));
    for (let v = 0; v < V; v++) if (v !== target) sum += Math.exp(logits.at(v) - highest);
    logp.set(sum === 0 ? 0 : -softplus(highest + Math.log(sum) - logits.at(target)), r);
    lse.set(logits.at(target) - logp.at(r), r);
  }
  return { logp, lse };
};

/** dlogit = dlogp · (onehot − softmax), dx = dlogit · w, dw = Σ dlogit · x. At the target 1 − softmax is −expm1(logp). */
export const linearLogpBackward: Reference<"linear_logp_backward"> = (reads, { R, V }) => {
  const { dlogp, x, w, targets, lse, logp } = reads, dx = zerosLike(x), dw = zerosLike(w);
  for (let r = 0; r < R; r++) {
    const logits = logitsOf({ x, w }, { r, V });
    for (let v = 0; v < V; v++) {
      const softmax = Math.exp(logits.at(v) - lse.at(r));
      const dlogit = -dlogp.at(r) * (v === targets.at(r) ? Math.expm1(logp.at(r)) : softmax);
      addScaled(dx.row(r), dlogit, w.row(v));
      addScaled(dw.row(v), dlogit, x.row(r));
    }
  }
  return { dx, dw };
};
