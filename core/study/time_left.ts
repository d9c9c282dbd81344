/**
 * How long a study still takes: all of its trainings, probes, measurements and files, with an interval. What was measured in this
 * run replaces what was guessed before it. `tests/study/time_left_test.ts` holds the intervals against recorded studies.
 */
import type { StudyConfig } from "../config/mod.ts";
import { studyOfArm } from "../config/mod.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { flopsIn, studyFlops } from "./estimate.ts";
import { stagesOf } from "./stage_plans.ts";

/** A part of a study that is timed by itself. */
export interface Piece {
  readonly arm: string;
  readonly seed: number;
  /** A stage, `recall`, `speeds` or `files`. */
  readonly stage: string;
  /** Seconds that it was expected to take before anything was measured. */
  readonly prior_s: number;
}

/** Seconds of one measurement of the speeds of one model, and of all figures and pages: guesses between idle and busy machines. */
const SPEED_ROUND_S = 0.4, FILES_S = 8;

/**
 * Standard deviations of logarithms of times: of a part whose model and stage ran before in this run, of one with another model, of
 * one of a kind that did not run yet, of a recall probe that did not (its updates are so small that their arithmetic says little),
 * and of other work on the machine, which all parts share. Chosen with recorded studies.
 */
const SEEN = 0.25, OTHER = 0.5, UNSEEN = 0.9, UNSEEN_RECALL = 1.6, COMMON = 0.2;

/** 90 % of a normal distribution lies within so many deviations. */
const NINETY = 1.645;

/** The parts of one cell: its stages by their tokens, and its probe. */
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
    ...{ arm: arm.name, seed, stage },
    prior_s: training * tokensOf(stage) / all,
  }));
  const probed = probe && recall && recall.arms.length > 0;
  return probed ? [...pieces, { arm: arm.name, seed, stage: "recall", prior_s: flops.recall / rate }] : pieces;
}

/**
 * All parts of a study in their order: trainings and probes by their arithmetic at `rate` flops per second, then the speeds and the
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
  const end = { arm: "", seed: 0 };
  return [
    ...all.filter(({ stage }) => stage !== "recall"),
    ...all.filter(({ stage }) => stage === "recall"),
    ...(speedRounds > 0 ? [{ ...end, stage: "speeds", prior_s: SPEED_ROUND_S * speedRounds * study.arms.length }] : []),
    { ...end, stage: "files", prior_s: FILES_S },
  ];
}

const keyOf = ({ arm, seed, stage }: Pick<Piece, "arm" | "seed" | "stage">) => `${arm} ${seed} ${stage}`;

/** What is known of a part. */
interface Known {
  readonly piece: Piece;
  /** Share that is done, and the share that was done before this process began. */
  done: number;
  before: number;
  /** Seconds of this process that went into it. */
  spent: number;
}

/** A time with the interval that holds it in nine of ten cases. */
export interface TimeLeft {
  readonly seconds: number;
  readonly interval: readonly [least: number, most: number];
}

/** Follows a study. Times are seconds of any clock that only goes forward. */
export class StudyClock {
  readonly #known: readonly Known[];
  readonly #byKey: ReadonlyMap<string, Known>;
  #last: number;

  constructor(pieces: readonly Piece[], now: number) {
    this.#known = pieces.map((piece) => ({ piece, done: 0, before: 0, spent: 0 }));
    this.#byKey = new Map(this.#known.map((one) => [keyOf(one.piece), one]));
    this.#last = now;
  }

  /** A part was done before this process began. */
  skip(of: Pick<Piece, "arm" | "seed" | "stage">, share = 1): void {
    const known = this.#byKey.get(keyOf(of));
    if (known) known.done = known.before = Math.max(known.before, share);
  }

  /** The share of a part that is done now. The time since the last call went into this part. */
  see(of: Pick<Piece, "arm" | "seed" | "stage">, share: number, now: number): void {
    const known = this.#byKey.get(keyOf(of));
    if (known && share > known.done) {
      known.spent += now - this.#last;
      known.done = Math.min(1, share);
    } else if (known) known.spent += now - this.#last;
    this.#last = now;
  }

  /** Share of the study that is done, by the times expected now. */
  get share(): number {
    let all = 0, left = 0;
    for (const known of this.#known) {
      const { seconds } = this.#expected(known);
      all += seconds;
      left += seconds * (1 - known.done);
    }
    return all > 0 ? 1 - left / all : 1;
  }

  /** The time left, at what was measured so far. */
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

  /** Seconds of a whole part, and the deviation of their logarithm. */
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

  /** Measured by expected seconds of the parts that a function chooses; undefined before enough of them was measured. */
  #ratio(chosen: (known: Known) => boolean): number | undefined {
    const some = this.#known.filter((known) => chosen(known) && known.done > known.before);
    const expected = some.reduce((sum, { piece, done, before }) => sum + piece.prior_s * (done - before), 0);
    const spent = some.reduce((sum, known) => sum + known.spent, 0);
    return expected > 0 && spent > 0 ? spent / expected : undefined;
  }
}
