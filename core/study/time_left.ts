/**
 * The remaining time of a study, with an interval: all trainings, probes, measurements and files. Measurements of this run
 * replace the earlier guesses. `tests/study/time_left_test.ts` compares the intervals with recorded studies.
 */
import { type Arm, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import { at, present } from "../lists.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { recallFlops, stageFlops } from "./estimate.ts";
import { stagesOf } from "./stage_plans.ts";
import { expectedTimes, type Timed } from "./time_model.ts";

/** A part of a study that is timed separately. */
export interface Piece {
  readonly arm: string;
  readonly seed: number;
  /** `start`, a stage, `recall`, `test`, `speeds` or `files`. */
  readonly stage: string;
  /** Expected seconds before anything was measured: until its last update with the evaluations between, and after it. */
  readonly updates_s: number;
  readonly after_s: number;
  /** And on every machine: measurements of a fixed length. */
  readonly steady_s: number;
}

type Part = Pick<Piece, "arm" | "seed" | "stage">;

// These are seconds on the idle machine on which they were measured (two cores of an EPYC).

/** Until the program is loaded. */
const LOAD_S = 0.33;
/** After the updates of a stage, where files are written and programs are made. */
const STAGE_S = 0.11;
/** The same after the updates of a recall probe. */
const RECALL_S = 0.04;
/** From the estimate to the first update, and more for each model, because its causality is tested. */
const START_S = [0.2, 0.06] as const;
/** A speed measurement of one model: the part with a fixed length, and the rest, which depends on the machine. */
const SPEED_S = [0.09, 0.04] as const;
/** All figures and pages, and more for each model. */
const FILES_S = [1.2, 0.13] as const;

/** An idle machine needs this fraction of the time that is computed from the speed of a whole study. */
const UPDATES = 0.5;

/** A program that is loaded from the network says nothing about the machine. */
const MOST_SLOWNESS = 8;

/**
 * The slowdown relative to that machine, from the load time of this program in seconds. The speed of a product does not show it:
 * that is the best of many short runs, and on a busy machine some of them are not disturbed.
 */
export const slownessOf = (load_s: number): number => Math.min(MOST_SLOWNESS, Math.max(0.25, load_s / LOAD_S));

interface Sizes {
  /** Whether the recall probe runs. */
  readonly probe: boolean;
  /** Whether the test part is read. */
  readonly test: boolean;
  readonly held: { readonly validationTokens: number; readonly testTokens: number };
  /** Flops per second. */
  readonly rate: number;
  readonly slowness: number;
  readonly speedRounds: number;
}

/** Expected seconds of an arm with one seed. */
interface ArmTimes {
  readonly stages: readonly Pick<Piece, "stage" | "updates_s" | "after_s" | "steady_s">[];
  readonly recall_s?: number;
  readonly test_s: number;
  readonly update_s: number;
}

function timesOf(arm: Arm, study: StudyConfig, { probe, held, slowness, ...sizes }: Sizes): ArmTimes {
  const rate = sizes.rate / (UPDATES * slowness);
  const store = new ParameterStore(arm.config), { recall } = studyOfArm(study, arm);
  const counted = stagesOf(study).map((stage) => ({ stage, ...stageFlops(study, arm, { store, stage, held }) }));
  const probed = probe ? recall?.arms.find(({ name }) => name === arm.name) : undefined;
  return {
    stages: counted.map(({ stage, training, evaluation, sampling, after }) => ({
      stage,
      updates_s: (training + evaluation + sampling - after) / rate,
      after_s: slowness * STAGE_S + after / rate,
      steady_s: 0,
    })),
    ...(recall && probed && { recall_s: recallFlops(probed, recall) / rate }),
    test_s: counted.reduce((sum, { test }) => sum + test, 0) / rate,
    update_s: (counted[0]?.update ?? 0) / rate,
  };
}

/** All parts of a study in order, with times from their flops. `cells`: only these. */
export function studyPieces(
  study: StudyConfig,
  { cells = cellsOf(study), ...sizes }: Sizes & { cells?: readonly Cell[] },
): Piece[] {
  const times = new Map(study.arms.map((arm) => [arm.name, timesOf(arm, study, sizes)] as const));
  const timesFor = ({ name }: Arm) => present(times.get(name), `the time of ${name}`);
  const sum = (of: (times: ArmTimes) => number, some: readonly Arm[]) =>
    some.reduce((total, arm) => total + of(timesFor(arm)), 0);
  const all = cells.map(({ arm, seed }) => ({ about: { arm: arm.name, seed }, ...timesFor(arm) }));
  const whole = (stage: string, after_s: number, steady_s = 0): Piece => (
    { arm: "", seed: 0, stage, updates_s: 0, after_s, steady_s }
  );
  const { slowness, speedRounds } = sizes,
    affine = ([one, each]: readonly [number, number]) => one + each * study.arms.length;
  // An update to warm up, one to time, and a tenth of a second of more.
  const speedOf = ({ update_s }: ArmTimes) => slowness * SPEED_S[1] + 3 * update_s;
  const measured = study.arms.filter(({ trunk }) => !trunk);
  return [
    whole("start", slowness * affine(START_S)),
    ...all.flatMap(({ about, stages }) => stages.map((stage) => ({ ...about, ...stage }))),
    ...all.flatMap(({ about, recall_s }) =>
      recall_s === undefined
        ? []
        : [{ ...about, stage: "recall", updates_s: recall_s, after_s: slowness * RECALL_S, steady_s: 0 }]
    ),
    ...(sizes.test ? [whole("test", sum(({ test_s }) => test_s, cells.map(({ arm }) => arm)))] : []),
    ...(speedRounds > 0
      ? [whole("speeds", speedRounds * sum(speedOf, measured), speedRounds * SPEED_S[0] * measured.length)]
      : []),
    whole("files", slowness * affine(FILES_S)),
  ];
}

const keyOf = ({ arm, seed, stage }: Part) => `${arm} ${seed} ${stage}`;

/** A part with its progress: its updates, and what follows them. */
export interface Known {
  readonly updates: Mutable<Timed>;
  readonly after: Mutable<Timed>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A part of which nothing is known but its guess. */
export function unknownPart({ arm, stage, updates_s, after_s, steady_s }: Piece): Known {
  const about = { arm, stage, done: 0, spent: 0, seen: 0 };
  return {
    updates: { ...about, kind: "updates", steady: 0, guess: updates_s, done: updates_s > 0 ? 0 : 1 },
    after: { ...about, kind: "rest", guess: after_s, steady: steady_s },
  };
}

/** 90 % of a normal distribution are within this many standard deviations. */
const NINETY = 1.645;

/** A time with its 90 % interval. */
export interface TimeLeft {
  readonly seconds: number;
  readonly interval: readonly [least: number, most: number];
}

/** The shortest time over which times are averaged. */
const LEAST_MEMORY_S = 8;

/** Notes the share that is done. `counted`: whether this process did it, so that its time is known. */
export function progress(timed: Mutable<Timed>, share: number, { counted = true } = {}): void {
  const done = Math.max(timed.done, Math.min(1, share));
  if (counted) timed.seen += timed.guess * (done - timed.done);
  timed.done = done;
}

/** The times of parts that were measured, and those that are expected. */
export class Timings {
  readonly #begun: number;
  #last: number;

  constructor(private readonly known: readonly Known[], now: number) {
    this.#last = this.#begun = now;
  }

  /** A part took the time between two moments. Other programs come and go, so older times count less: the last third of the time counts most. */
  spend(timed: Mutable<Timed>, { from, now }: { from: number; now: number }): void {
    const memory = Math.max(LEAST_MEMORY_S, (now - this.#begun) / 3),
      kept = Math.exp(Math.min(0, this.#last - now) / memory);
    for (const { updates, after } of this.known) {
      for (const one of [updates, after]) {
        one.spent *= kept;
        one.seen *= kept;
      }
    }
    timed.spent += now - from;
    this.#last = Math.max(this.#last, now);
  }

  /** `rest`: the expected seconds that are left of a part. `interval`: a time with the interval that belongs to these times. */
  expected(): { rest: (known: Known) => number; interval: (seconds: number) => TimeLeft } {
    const all = this.known.flatMap(({ updates, after }) => [updates, after]), { each, deviation } = expectedTimes(all);
    const seconds = new Map(all.map((one, i) => [one, at(each, i)])), factor = Math.exp(NINETY * deviation);
    const left = (one: Timed) => (1 - one.done) * present(seconds.get(one), "the time of a part");
    return {
      rest: ({ updates, after }) => left(updates) + left(after),
      interval: (seconds) => ({ seconds, interval: [seconds / factor, seconds * factor] }),
    };
  }
}

/** Tracks the progress of a study. Times are seconds of any monotonic clock. */
export class StudyClock {
  readonly #known: readonly Known[];
  readonly #byKey: ReadonlyMap<string, Known>;
  readonly #timings: Timings;
  #last: number;

  constructor(pieces: readonly Piece[], now: number) {
    this.#known = pieces.map(unknownPart);
    this.#byKey = new Map(pieces.map((piece, i) => [keyOf(piece), at(this.#known, i)]));
    this.#timings = new Timings(this.#known, now);
    this.#last = now;
  }

  /** Call it for a part of which this share of the updates was done before this process started; all of it without a share. */
  skip(of: Part, share?: number): void {
    const known = this.#byKey.get(keyOf(of));
    if (!known) return;
    known.updates.done = Math.max(known.updates.done, share ?? 1);
    if (share === undefined) known.after.done = 1;
  }

  /** Reports the share of the updates of a part. The time since the last call was spent on this part. */
  see(of: Part, share: number, now: number): void {
    const known = this.#byKey.get(keyOf(of));
    if (known) this.#timings.spend(known.updates.done < 1 ? known.updates : known.after, { from: this.#last, now });
    if (known) progress(known.updates, share);
    this.#last = now;
  }

  /** Reports the end of a part. */
  end(of: Part, now: number): void {
    this.see(of, 1, now);
    const known = this.#byKey.get(keyOf(of));
    if (known) progress(known.after, 1);
  }

  /** The share of the study that is done, by the currently expected times. */
  get share(): number {
    const { each, left } = this.#expected(), all = each.reduce((sum, seconds) => sum + seconds, 0);
    return all > 0 ? 1 - left / all : 1;
  }

  /** The remaining time, from all measurements so far. */
  left(): TimeLeft {
    const { left: seconds, deviation } = this.#expected(), factor = Math.exp(NINETY * deviation);
    return { seconds, interval: [seconds / factor, seconds * factor] };
  }

  #expected() {
    return expectedTimes(this.#known.flatMap(({ updates, after }) => [updates, after]));
  }
}
