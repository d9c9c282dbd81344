/** The time of an update of every model, for a budget of seconds. */
import { type StudyConfig, studyOfArm } from "../config/mod.ts";
import { HymbaError, throwIfStopped } from "../errors.ts";
import { at, present } from "../lists.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { isSteady, type Median, medianOf, WIDEST } from "./medians.ts";
import { trainingSpeed } from "./speeds.ts";

/** Times of an update, measured before a study begins. */
export interface UpdateTimes {
  /** Seconds of an update by arm: that of the first arm, times the ratio to it. */
  readonly updateSeconds: Readonly<Record<string, number>>;
  /** The 95 % interval of the ratio to the first arm, by arm. */
  readonly updateRatios: Readonly<Record<string, readonly [low: number, high: number]>>;
}

/** Rounds that are measured at a time, and how often at most. */
const ROUNDS = 9, MOST_TIMES = 3;
/** Measurements of a model in a round; the fastest counts, because other work of the machine only ever adds time. */
const WINDOWS = 3;

interface Place {
  readonly executor: Executor;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

/** Seconds of an update by arm, one value per round: an arm and the first arm of a round were measured one after the other. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** The times of each arm divided by those of the first arm in the same round: other work of the machine affects both. */
function ratiosOf(rounds: Rounds): { arm: string; ratio: Median }[] {
  const [first = []] = rounds.values();
  return [...rounds].map(([arm, times]) => {
    const ratios = times.map((time, round) => time / at(first, round));
    return { arm, ratio: present(medianOf(ratios), "a round") };
  });
}

/** The times that these rounds give; undefined if the interval of a ratio is too wide. */
export function timesOf(rounds: Rounds): UpdateTimes | undefined {
  const [first = []] = rounds.values(), ratios = ratiosOf(rounds);
  if (!ratios.every(({ ratio }) => isSteady(ratio))) return undefined;
  const { median } = present(medianOf(first), "a round");
  return {
    updateSeconds: Object.fromEntries(ratios.map(({ arm, ratio }) => [arm, median * ratio.median])),
    updateRatios: Object.fromEntries(ratios.map(({ arm, ratio: { low, high } }) => [arm, [low, high]])),
  };
}

/** The error if the times scatter too much. */
export function notMeasurable(rounds: Rounds): HymbaError {
  const ratios = ratiosOf(rounds), first = at(ratios, 0), wide = ratios.filter(({ ratio }) => !isSteady(ratio));
  const inWords = ({ arm, ratio: { low, high, count } }: typeof first) =>
    `${arm}: ${low.toFixed(2)} to ${high.toFixed(2)} times as long as ${first.arm}, in ${count} rounds`;
  return new HymbaError(
    "the time of an update is not measurable here, so a budget of seconds gives no number of steps",
    {
      expected: `an interval of at most a factor of ${WIDEST} for each model`,
      got: wide.map(inWords).join("; "),
      hint:
        "stop other programs and repeat the command; or match the models by --set budget=flops; or set budget to tokens " +
        "and give each model its own steps ([arms.NAME.pretraining] in the study file)",
    },
  );
}

/**
 * The time of an update of the first stage of every arm. The arms take turns, and each visit warms up first. If the ratios of
 * nine rounds scatter too much, nine more are measured, at most 27 in all. The time does not depend on the tokens. Throws a
 * HymbaError if the ratios still scatter too much.
 */
export async function measureUpdates(study: StudyConfig, { executor, signal, say }: Place): Promise<UpdateTimes> {
  const rounds = new Map<string, number[]>(study.arms.map(({ name }) => [name, []]));
  for (let time = 0; time < MOST_TIMES; time++) {
    if (time > 0) say?.("these times scatter too much: nine more rounds");
    for (let round = 0; round < ROUNDS; round++) {
      throwIfStopped(signal, "measuring speeds");
      for (const [arm, own] of rounds) own.push(await secondsOfUpdate(study, arm, executor));
    }
    const found = timesOf(rounds);
    if (found) return found;
  }
  throw notMeasurable(rounds);
}

async function secondsOfUpdate(study: StudyConfig, name: string, executor: Executor): Promise<number> {
  const { sequenceLength: T, vocabSize } = study, own = studyOfArm(study, { name });
  const arm = present(study.arms.find((one) => one.name === name), `the arm ${name}`);
  const numbers = Uint32Array.from({ length: 64 * (T + 1) }, (_, i) => i % vocabSize);
  const tokens = { tokens: numbers, starts: [0], bytes: numbers.length }, store = new ParameterStore(arm.config);
  try {
    store.initialise(executor, 1);
    return own.pretraining.batch * T / await trainingSpeed(store, { executor, study: own, tokens }, {
      windows: WINDOWS,
    });
  } finally {
    store.release(executor);
  }
}
