/** Checks whether scaled gradients overflowed, and sets the next scale. See `core/ops/loss_scale.ts`. One block. */

@unmanaged
class LossScale {
  /** Norm of the scaled gradients. */
  norm: usize;
  /** The rate comes first. */
  schedule: usize;
  /** Scale, updates since the scale changed, 1 − β1^t, 1 − β2^t; updated in place. */
  state: usize;
  /** Rate, 1 − β1^t, 1 − β2^t, factor / scale (0: no update). */
  applied: usize;
  /** Norm of the gradient, scale, 1 if there is no update. */
  report: usize;
  factor: f32;
  beta1: f32;
  beta2: f32;
  /** 1 − β1 and 1 − β2, rounded once. */
  rest1: f32;
  rest2: f32;
  growEvery: f32;
  most: f32;
}

export function loss_scale(args: LossScale, _block: i32, _workspace: usize): void {
  const norm = load<f32>(args.norm), state = args.state, applied = args.applied, report = args.report;
  const scale = load<f32>(state), good = load<f32>(state, 4) + 1;
  store<f32>(applied, load<f32>(args.schedule));
  store<f32>(report, scale, 4);
  if (!isFinite<f32>(norm)) {
    store<f32>(state, max<f32>(1, scale / 2));
    store<f32>(state, 0, 4);
    store<f32>(applied, load<f32>(state, 8), 4);
    store<f32>(applied, load<f32>(state, 12), 8);
    store<f32>(applied, 0, 12);
    store<f32>(report, 0);
    store<f32>(report, 1, 8);
    return;
  }
  const multiplier = args.factor / scale, grown = good >= args.growEvery;
  const c1 = args.beta1 * load<f32>(state, 8) + args.rest1, c2 = args.beta2 * load<f32>(state, 12) + args.rest2;
  store<f32>(state, grown ? min<f32>(args.most, 2 * scale) : scale);
  store<f32>(state, grown ? 0 : good, 4);
  store<f32>(state, c1, 8);
  store<f32>(state, c2, 12);
  store<f32>(applied, c1, 4);
  store<f32>(applied, c2, 8);
  store<f32>(applied, multiplier, 12);
  store<f32>(report, norm * multiplier);
  store<f32>(report, 0, 8);
}
