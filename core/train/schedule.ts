/** The learning rate: linear warm-up, then cosine to zero. */
export interface Schedule {
  /** The largest rate. */
  readonly rate: number;
  readonly warmup: number;
  readonly steps: number;
}

/** The rate of an update; the first is step 1, the last is `steps`, after which it would be zero. */
export function rateAt(step: number, { rate, warmup, steps }: Schedule): number {
  if (step <= warmup) return rate * step / warmup;
  return rate * 0.5 * (1 + Math.cos(Math.PI * (step - warmup) / (steps - warmup + 1)));
}
