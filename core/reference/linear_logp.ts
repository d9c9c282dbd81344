/** Output head and log-probability of the targets, in float64, as plain loops over the whole vocabulary. */
import { softplus } from "./activations.ts";
import { need, type Reference } from "./types.ts";

function logitsOfRow(
  { x, w }: { x: Float64Array; w: Float64Array },
  { row, D, V }: { row: number; D: number; V: number },
): Float64Array {
  return new Float64Array(V).map((_, v) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += x[row * D + d]! * w[v * D + d]!;
    return sum;
  });
}

/** Reads x [R, D], w [V, D], targets [R]; makes logp [R] and lse [R], the log of the sum of exponentials. */
export const linearLogpForward: Reference = (reads, { R, D, V }) => {
  const x = need(reads, "x"), w = need(reads, "w"), targets = need(reads, "targets");
  const logp = new Float64Array(R!), lse = new Float64Array(R!);
  for (let row = 0; row < R!; row++) {
    const logits = logitsOfRow({ x, w }, { row, D: D!, V: V! });
    const target = logits[targets[row]!]!, others = logits.filter((_, v) => v !== targets[row]);
    const highest = others.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const sum = others.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
    logp[row] = sum === 0 ? 0 : -softplus(highest + Math.log(sum) - target);
    lse[row] = target - logp[row]!;
  }
  return { logp, lse };
};

/** Reads dlogp [R], x, w, targets, lse, logp; makes dx [R, D] and dw [V, D] with dlogits = dlogp · (onehot − softmax). */
export const linearLogpBackward: Reference = (reads, { R, D, V }) => {
  const dlogp = need(reads, "dlogp"), x = need(reads, "x"), w = need(reads, "w"), lse = need(reads, "lse");
  const targets = need(reads, "targets"), logp = need(reads, "logp");
  const dx = new Float64Array(x.length), dw = new Float64Array(w.length);
  for (let row = 0; row < R!; row++) {
    const logits = logitsOfRow({ x, w }, { row, D: D!, V: V! });
    for (let v = 0; v < V!; v++) {
      const dlogit = -dlogp[row]! * (v === targets[row] ? Math.expm1(logp[row]!) : Math.exp(logits[v]! - lse[row]!));
      for (let d = 0; d < D!; d++) {
        dx[row * D! + d]! += dlogit * w[v * D! + d]!;
        dw[v * D! + d]! += dlogit * x[row * D! + d]!;
      }
    }
  }
  return { dx, dw };
};
