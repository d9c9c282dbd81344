/**
 * The expected times of the parts of a study, and their uncertainty. Expected time = guess × factor of the machine × factor of the
 * stage × factor of the model. Each factor starts from the one above it and is updated by measurements (normal distributions with
 * a known spread: the mean of a group is shrunk towards the mean of all). Parts that share an unmeasured factor share its error: if
 * the second stage of eight models takes twice the guess, that is one error and not eight.
 */
import { mean, present } from "../lists.ts";

/** A part of a study with its progress. */
export interface Timed {
  readonly arm: string;
  readonly stage: string;
  /** Updates take the time of their flops; most of the rest takes the time of files, programs and fixed measurements. */
  readonly kind: "updates" | "rest";
  /** Guessed seconds. */
  readonly guess: number;
  /** Seconds besides, which every machine needs. */
  readonly steady: number;
  /** The share that is done. */
  readonly done: number;
  /** Seconds that this process spent on it, and what was guessed for that; both count less when they are long ago. */
  readonly spent: number;
  readonly seen: number;
}

/** Standard deviations of logarithms, chosen with recorded studies. */
export interface Spreads {
  /** Of the factors of the machine, before anything was measured. */
  readonly updates: number;
  readonly rest: number;
  /** Of how the machine changes until the end. */
  readonly change: number;
  /** Of the factor of a stage given that of the machine, and of a model given that of its stage. */
  readonly stage: number;
  readonly model: number;
  /** Of single parts. */
  readonly noise: number;
}

export const SPREADS: Spreads = { updates: 0.6, rest: 0.4, change: 0.3, stage: 0.3, model: 0.2, noise: 0.25 };

/** A factor with the variance of its logarithm. */
interface Factor {
  readonly value: number;
  readonly variance: number;
}

/** The control repeats the second stage. */
const stageOf = ({ stage }: Timed): string => stage === "control" ? "orpo" : stage;

/** The factor of a group of parts, from the one above it and what was measured. */
function factorOf(
  parts: readonly Timed[],
  above: number,
  { spread, noise }: { spread: number; noise: number },
): Factor {
  const typical = mean(parts.map(({ guess }) => guess)), weight = (noise / spread) ** 2;
  let spent = weight * above * typical, expected = weight * typical;
  for (const part of parts) {
    if (part.seen === 0) continue;
    spent += part.spent;
    expected += part.seen;
  }
  if (expected === 0) return { value: above, variance: spread ** 2 };
  return { value: spent / expected, variance: spread ** 2 * weight * typical / expected };
}

/** Expected seconds of all parts in their order, of what is left of them, and the standard deviation of its logarithm. */
export function expectedTimes(
  parts: readonly Timed[],
  spreads: Spreads = SPREADS,
): { each: readonly number[]; left: number; deviation: number } {
  const factors = new Map<Timed, number>();
  let left = 0, variance = 0;
  for (const [kind, ofKind] of Map.groupBy(parts, ({ kind }) => kind)) {
    const machine = factorOf(ofKind, 1, { spread: spreads[kind], noise: spreads.noise });
    let uncertain = 0;
    for (const ofStage of Map.groupBy(ofKind, stageOf).values()) {
      const found = ofOneStage(ofStage, machine.value, spreads);
      for (const [part, factor] of found.factors) factors.set(part, factor);
      left += found.left;
      uncertain += found.uncertain;
      variance += found.variance;
    }
    variance += uncertain ** 2 * machine.variance;
  }
  variance += (left * spreads.change) ** 2;
  const each = parts.map((part) => part.steady + part.guess * present(factors.get(part), "the factor of a part"));
  return { each, left, deviation: left > 0 ? Math.sqrt(variance) / left : 0 };
}

/** The factors of the parts of one stage, what is left of them, and the variance of that beside the machine's. */
function ofOneStage(parts: readonly Timed[], machine: number, { stage, model, noise }: Spreads) {
  const shared = factorOf(parts, machine, { spread: stage, noise }), factors = new Map<Timed, number>();
  let left = 0, uncertain = 0, variance = 0;
  for (const own of Map.groupBy(parts, ({ arm }) => arm).values()) {
    const { value, variance: ofModel } = factorOf(own, shared.value, { spread: model, noise });
    const rests = own.map(({ guess, done }) => guess * value * (1 - done)), rest = sum(rests);
    left += sum(own.map(({ steady, done }) => steady * (1 - done)));
    for (const part of own) factors.set(part, value);
    variance += rest ** 2 * ofModel + sum(rests.map((one) => (one * noise) ** 2));
    uncertain += rest;
  }
  return { factors, left: left + uncertain, uncertain, variance: variance + uncertain ** 2 * shared.variance };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
