/** Losses over token log-probabilities: single blocks, sums in f64 and in order. */
import { bytes } from "./lib/vector";

@inline
function at(x: usize, i: i32): f64 {
  return <f64> load<f32>(x + bytes(i));
}

function sum(x: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) total += at(x, i);
  return total;
}

function dot(x: usize, y: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; i++) total += at(x, i) * at(y, i);
  return total;
}

@unmanaged
class NllForward {
  logp: usize;
  weight: usize;
  loss: usize;
  R: i32;
}

export function nll_loss_forward(args: NllForward, _block: i32, _workspace: usize): void {
  store<f32>(args.loss, <f32> (-dot(args.logp, args.weight, args.R) / sum(args.weight, args.R)));
}

@unmanaged
class NllBackward {
  dloss: usize;
  weight: usize;
  dlogp: usize;
  R: i32;
}

export function nll_loss_backward(args: NllBackward, _block: i32, _workspace: usize): void {
  const scale = -at(args.dloss, 0) / sum(args.weight, args.R);
  for (let i = 0; i < args.R; i++) store<f32>(args.dlogp + bytes(i), <f32> (scale * at(args.weight, i)));
}

/** The largest mean log-probability for which odds are computed: nearer to 0 they overflow. */
const HIGHEST_LOGP: f64 = -1e-7;

function logSigmoid(x: f64): f64 {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

/** log(1 − e^x) for x < 0. */
function log1mexp(x: f64): f64 {
  return x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(-Math.expm1(x));
}

@unmanaged
class OrpoForward {
  /** [2n, T], chosen rows first. */
  logp: usize;
  weight: usize;
  completion: usize;
  loss: usize;
  nll: usize;
  /** [n, 4]: chosen, rejected, log odds, log sigmoid. */
  pairs: usize;
  n: i32;
  T: i32;
  beta: f32;
}

export function orpo_loss_forward(args: OrpoForward, _block: i32, _workspace: usize): void {
  const n = args.n, T = args.T, chosen = n * T;
  const nll = -dot(args.logp, args.weight, chosen) / sum(args.weight, chosen);
  let penalty: f64 = 0;
  for (let pair = 0; pair < n; pair++) {
    const first = bytes(pair * T), second = bytes((n + pair) * T);
    const c = dot(args.logp + first, args.completion + first, T) / sum(args.completion + first, T);
    const r = dot(args.logp + second, args.completion + second, T) / sum(args.completion + second, T);
    const logOdds = (c - r) - (log1mexp(Math.min(c, HIGHEST_LOGP)) - log1mexp(Math.min(r, HIGHEST_LOGP)));
    const to = args.pairs + bytes(4 * pair);
    store<f32>(to, <f32> c);
    store<f32>(to, <f32> r, 4);
    store<f32>(to, <f32> logOdds, 8);
    store<f32>(to, <f32> logSigmoid(logOdds), 12);
    penalty -= logSigmoid(logOdds) / <f64> n;
  }
  store<f32>(args.nll, <f32> nll);
  store<f32>(args.loss, <f32> (nll + <f64> args.beta * penalty));
}

@unmanaged
class OrpoBackward {
  dloss: usize;
  weight: usize;
  completion: usize;
  pairs: usize;
  dlogp: usize;
  n: i32;
  T: i32;
  beta: f32;
}

export function orpo_loss_backward(args: OrpoBackward, _block: i32, _workspace: usize): void {
  const n = args.n, T = args.T, dloss = at(args.dloss, 0), total = sum(args.weight, n * T);
  for (let row = 0; row < 2 * n; row++) {
    const pair = row % n, chosen = row < n, mean = at(args.pairs, 4 * pair + (chosen ? 0 : 1));
    const mask = args.completion + bytes(row * T), weight = args.weight + bytes(row * T);
    // d log_odds / d mean is 1 / (1 − p), or 1 where the odds are cut off.
    const slope: f64 = mean < HIGHEST_LOGP ? 1 / -Math.expm1(mean) : 1;
    const sigmoid = Math.exp(logSigmoid(-at(args.pairs, 4 * pair + 2)));
    const dmean = (chosen ? -1.0 : 1.0) * <f64> args.beta / <f64> n * sigmoid * slope / sum(mask, T);
    for (let t = 0; t < T; t++) {
      const nll: f64 = chosen ? -at(weight, t) / total : 0;
      store<f32>(args.dlogp + bytes(row * T + t), <f32> (dloss * (nll + dmean * at(mask, t))));
    }
  }
}
