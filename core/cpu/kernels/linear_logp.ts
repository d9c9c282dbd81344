/**
 * Log-probability of targets. `matmul` makes the logits of one chunk of the vocabulary at a time. One block takes `rows` rows.
 * The target is left out of the sum of exponentials, so that small probabilities of the others keep their digits near p = 1.
 */
import { exp } from "./lib/activations";
import { bytes, load4, max4, store4, sum4 } from "./lib/vector";

@unmanaged
class LogpReduce {
  /** [R, count]: columns `first` … first + count − 1 of all logits. The logit of the target is masked. */
  logits: usize;
  targets: usize;
  /** The highest of the other logits and their sum of exponentials so far [R, 2]; then the logit of the target [R]. */
  running: usize;
  found: usize;
  logp: usize;
  lse: usize;
  R: i32;
  first: i32;
  count: i32;
  /** 1 for the last chunk. */
  last: i32;
  rows: i32;
}

/** The value of a masked logit: its exponential is zero compared with any other. */
const MASKED: f32 = -1e30;

export function logp_reduce(args: LogpReduce, block: i32, _workspace: usize): void {
  const count = args.count, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const logits = args.logits + bytes(row * count), running = args.running + bytes(2 * row);
    const target = load<i32>(args.targets + bytes(row)) - args.first, found = args.found + bytes(row);
    if (args.first === 0) store<f32>(found, f32.NaN);
    if (target >= 0 && target < count) {
      store<f32>(found, load<f32>(logits + bytes(target)));
      store<f32>(logits + bytes(target), MASKED);
    }
    let most = f32x4.splat(load<f32>(logits));
    const whole = count & ~3;
    for (let v = 0; v < whole; v += 4) most = f32x4.pmax(most, v128.load(logits + bytes(v)));
    let highest = max4(most);
    for (let v = whole; v < count; v++) highest = max<f32>(highest, load<f32>(logits + bytes(v)));
    let total: f32 = 0;
    if (args.first > 0) {
      const before = load<f32>(running), now = max<f32>(highest, before);
      total = <f32> (<f64> load<f32>(running, 4) * Math.exp(<f64> before - <f64> now));
      highest = now;
    }
    let sums = f32x4.splat(0);
    const shift = f32x4.splat(highest);
    for (let v = 0; v < whole; v += 4) sums = f32x4.add(sums, exp(f32x4.sub(v128.load(logits + bytes(v)), shift)));
    total += sum4(sums);
    for (let v = whole; v < count; v++) total += <f32> Math.exp(<f64> (load<f32>(logits + bytes(v)) - highest));
    store<f32>(running, highest);
    store<f32>(running, total, 4);
    if (args.last) {
      const mine = <f64> load<f32>(found), ahead = <f64> highest + Math.log(<f64> total) - mine;
      const softplus = max<f64>(ahead, 0) + Math.log1p(Math.exp(-abs<f64>(ahead)));
      store<f32>(args.lse + bytes(row), <f32> (mine + softplus));
      store<f32>(args.logp + bytes(row), <f32> -softplus);
    }
  }
}

@unmanaged
class LogpGradient {
  /** [R, count], replaced by its gradient. */
  logits: usize;
  targets: usize;
  lse: usize;
  logp: usize;
  dlogp: usize;
  R: i32;
  first: i32;
  count: i32;
  rows: i32;
}

/** d logit = dlogp · (1 at the target − softmax), and 1 − p at the target as −expm1(logp). */
export function logp_gradient(args: LogpGradient, block: i32, _workspace: usize): void {
  const count = args.count, end = min(args.R, (block + 1) * args.rows);
  for (let row = block * args.rows; row < end; row++) {
    const logits = args.logits + bytes(row * count), target = load<i32>(args.targets + bytes(row)) - args.first;
    const dlogp = load<f32>(args.dlogp + bytes(row)), scale = f32x4.splat(-dlogp);
    const lse = f32x4.splat(load<f32>(args.lse + bytes(row)));
    for (let v = 0; v < count; v += 4) {
      const at = logits + bytes(v), left = count - v;
      store4(at, f32x4.mul(scale, exp(f32x4.sub(load4(at, left), lse))), left);
    }
    if (target >= 0 && target < count) {
      const logp = <f64> load<f32>(args.logp + bytes(row));
      store<f32>(logits + bytes(target), <f32> (-(<f64> dlogp) * Math.expm1(logp)));
    }
  }
}
