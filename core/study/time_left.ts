/**
 * The remaining time of a study, with an interval: all trainings, probes, measurements and files. Measurements of this run
 * replace the earlier guesses. `tests/study/time_left_test.ts` compares the intervals with recorded studies.
 */
import type { StudyConfig } from "../config/mod.ts";
import { studyOfArm } from "../config/mod.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { flopsIn, studyFlops } from "./estimate.ts";
import { stagesOf } from "./stage_plans.ts";

/** A part of a study that is timed separately. */
export interface Piece {
  readonly arm: string;
  readonly seed: number;
  /** A stage, `recall`, `speeds` or `files`. */
  readonly stage: string;
  /** Expected seconds before anything was measured. */
  readonly prior_s: number;
}

/**
 * Guesses: seconds of one speed measurement of one model, and of all figures and pages. Between those of idle and of busy
 * machines.
 */
const SPEED_ROUND_S = 0.4, FILES_S = 8;

/**
 * Standard deviations of the logarithm of the time of a part, chosen with recorded studies. SEEN: the same model and stage ran
 * before in this run. OTHER: the same stage ran with another model. UNSEEN: the stage has not run yet. UNSEEN_RECALL: no
 * recall probe has run yet; its updates are so small that their flops predict little. COMMON: other work on the machine,
 * shared by all parts.
 */
const SEEN = 0.25, OTHER = 0.5, UNSEEN = 0.9, UNSEEN_RECALL = 1.6, COMMON = 0.2;

/** 90 % of a normal distribution are within this many standard deviations. */
const NINETY = 1.645;

/** The parts of one cell: its stages and its probe. */
function piecesOf(
  { arm, seed }: Cell,
  { study, probe, held, rate }: {
    study: StudyConfig;
    probe: boolean;
    held: { validationTokens: number; testTokens: number };
    rate: number;
  },
): Piece[] {
  const own = studyOfArm(study, arm), { preference: { promptTokens, completionTokens } } = own;
  const recall = own.recall && { ...own.recall, arms: own.recall.arms.filter(({ name }) => name === arm.name) };
  const flops = studyFlops({ ...own, arms: [arm], seeds: [seed], recall }, held);
  const tokensOf = (stage: string) =>
    stage === "pretraining"
      ? own.pretraining.steps * own.pretraining.batch * own.sequenceLength
      : own.orpo.steps * own.orpo.batch * 2 * (promptTokens + completionTokens);
  const stages = stagesOf(study), all = stages.reduce((sum, stage) => sum + tokensOf(stage), 0);
  const training = (flopsIn(flops) - flops.recall) / rate;
  const pieces = stages.map((stage): Piece => ({
    arm: arm.name,
    seed,
    stage,
    prior_s: training * tokensOf(stage) / all,
  }));
  const probed = probe && recall && recall.arms.length > 0;
  return probed ? [...pieces, { arm: arm.name, seed, stage: "recall", prior_s: flops.recall / rate }] : pieces;
}

/**
 * All parts of a study in order: trainings and probes, with times from their flops at `rate` flops per second, then speeds and
 * files. `cells`: only these.
 */
export function studyPieces(
  study: StudyConfig,
  { probe, held, rate, cells = cellsOf(study), speedRounds }: {
    probe: boolean;
    held: { validationTokens: number; testTokens: number };
    rate: number;
    cells?: readonly Cell[];
    speedRounds: number;
  },
): Piece[] {
  const all = cells.flatMap((cell) => piecesOf(cell, { study, probe, held, rate }));
  const end = { arm: "", seed: 0 }, measured = study.arms.filter(({ trunk }) => !trunk).length;
  return [
    ...all.filter(({ stage }) => stage !== "recall"),
    ...all.filter(({ stage }) => stage === "recall"),
    ...(speedRounds > 0 ? [{ ...end, stage: "speeds", prior_s: SPEED_ROUND_S * speedRounds * measured }] : []),
    { ...end, stage: "files", prior_s: FILES_S },
  ];
}

const keyOf = ({ arm, seed, stage }: Pick<Piece, "arm" | "seed" | "stage">) => `${arm} ${seed} ${stage}`;

/** A part with its progress. */
interface Known {
  readonly piece: Piece;
  /** The share that is done, and the share that was done before this process started. */
  done: number;
  before: number;
  /** Seconds that this process spent on it. */
  spent: number;
}

/** A time with its 90 % interval. */
export interface TimeLeft {
  readonly seconds: number;
  readonly interval: readonly [least: number, most: number];
}

/** Tracks the progress of a study. Times are seconds of any monotonic clock. */
export class StudyClock {
  readonly #known: readonly Known[];
  readonly #byKey: ReadonlyMap<string, Known>;
  #last: number;

  constructor(pieces: readonly Piece[], now: number) {
    this.#known = pieces.map((piece) => ({ piece, done: 0, before: 0, spent: 0 }));
    this.#byKey = new Map(this.#known.map((one) => [keyOf(one.piece), one]));
    this.#last = now;
  }

  /** Call it for a part that was done before this process started. */
  skip(of: Pick<Piece, "arm" | "seed" | "stage">, share = 1): void {
    const known = this.#byKey.get(keyOf(of));
    if (known) known.done = known.before = Math.max(known.before, share);
  }

  /** Reports the share of a part that is done now. The time since the last call was spent on this part. */
  see(of: Pick<Piece, "arm" | "seed" | "stage">, share: number, now: number): void {
    const known = this.#byKey.get(keyOf(of));
    if (known && share > known.done) {
      known.spent += now - this.#last;
      known.done = Math.min(1, share);
    } else if (known) known.spent += now - this.#last;
    this.#last = now;
  }

  /** The share of the study that is done, by the currently expected times. */
  get share(): number {
    let all = 0, left = 0;
    for (const known of this.#known) {
      const { seconds } = this.#expected(known);
      all += seconds;
      left += seconds * (1 - known.done);
    }
    return all > 0 ? 1 - left / all : 1;
  }

  /** The remaining time, from all measurements so far. */
  left(): TimeLeft {
    let seconds = 0, squares = 0;
    for (const known of this.#known) {
      const expected = this.#expected(known), own = expected.seconds * (1 - known.done);
      seconds += own;
      squares += (own * expected.deviation) ** 2;
    }
    if (seconds === 0) return { seconds, interval: [0, 0] };
    const factor = Math.exp(NINETY * Math.hypot(Math.sqrt(squares) / seconds, COMMON));
    return { seconds, interval: [seconds / factor, seconds * factor] };
  }

  /** Expected seconds of a whole part, and the standard deviation of their logarithm. */
  #expected({ piece }: Known): { seconds: number; deviation: number } {
    const like = (test: (one: Piece) => boolean) => this.#ratio(({ piece: one }) => test(one));
    const own = like(({ arm, stage }) => arm === piece.arm && stage === piece.stage);
    if (own !== undefined) return { seconds: piece.prior_s * own, deviation: SEEN };
    const stage = like((one) => one.stage === piece.stage);
    if (stage !== undefined) return { seconds: piece.prior_s * stage, deviation: OTHER };
    const fixed = piece.stage === "speeds" || piece.stage === "files";
    const any = fixed ? undefined : like(({ stage }) => stage !== "speeds" && stage !== "files");
    return { seconds: piece.prior_s * (any ?? 1), deviation: piece.stage === "recall" ? UNSEEN_RECALL : UNSEEN };
  }

  /** Measured time divided by expected time, over the parts that `chosen` selects. Undefined before enough was measured. */
  #ratio(chosen: (known: Known) => boolean): number | undefined {
    const some = this.#known.filter((known) => chosen(known) && known.done > known.before);
    const expected = some.reduce((sum, { piece, done, before }) => sum + piece.prior_s * (done - before), 0);
    const spent = some.reduce((sum, known) => sum + known.spent, 0);
    return expected > 0 && spent > 0 ? spent / expected : undefined;
  }
}
