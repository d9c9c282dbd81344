/** The points of a sweep: the values of each training, the names of the trained arms, and extensions of the grid. */
import { holds, type StudyConfig, type Value } from "../config/mod.ts";
import { at, present } from "../lists.ts";
import {
  type Axis,
  type Fault,
  type FlagValue,
  keyAt,
  nameOf,
  pathInArm,
  StudyFaults,
  throwFaults,
} from "../study_file/mod.ts";

/** A value for each key of a sweep, by the path of the key. */
export type Point = Readonly<Record<string, Value>>;

/** One arm at one point. */
export interface Trial {
  /** The arm of the study. */
  readonly arm: string;
  /** The name of the arm in the run that trains it, such as `hymba@rate=0.002`. */
  readonly name: string;
  readonly point: Point;
}

/** All combinations of the values of the axes; the last axis changes fastest. */
export const pointsOf = (axes: readonly Axis[]): Point[] =>
  axes.reduce<Point[]>(
    (points, { path, values }) => points.flatMap((point) => values.map((value) => ({ ...point, [path]: value }))),
    [{}],
  );

/** The values of a point that apply to an arm, without the keys of other arms. */
const ofArm = (point: Point, arm: string): Point =>
  Object.fromEntries(Object.entries(point).filter(([path]) => pathInArm(path, arm) !== undefined));

/** A value as a part of a folder's name. A value with other characters is replaced by its index in the axis. */
function wordOf(value: Value, { values }: Axis): string {
  const word = typeof value === "object" ? "" : String(value);
  if (/^[a-z0-9_.+-]{1,24}$/.test(word)) return word;
  return `v${values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value)) + 1}`;
}

/** The trial of an arm at a point of the axes. */
export function trialAt(arm: string, point: Point, axes: readonly Axis[]): Trial {
  const own = ofArm(point, arm), used = axes.filter(({ path }) => path in own);
  const isPlain = new Set(used.map(({ path }) => nameOf(path))).size === used.length;
  const parts = used.map((axis) =>
    `${(isPlain ? nameOf(axis.path) : axis.path).toLowerCase()}=${wordOf(present(own[axis.path], axis.path), axis)}`
  );
  const joint = arm.includes("@") ? "," : "@";
  return { arm, name: parts.length === 0 ? arm : `${arm}${joint}${parts.join(",")}`, point: own };
}

/** A point of one arm as flags. `flag`: their name in errors and origins. */
export const flagsAt = ({ arm, point }: Pick<Trial, "arm" | "point">, flag: string): FlagValue[] =>
  Object.entries(point).flatMap(([path, value]) => {
    const own = pathInArm(path, arm);
    return own === undefined ? [] : [{ flag, path: own, value }];
  });

/** The study with more flags. Throws {@link StudyFaults} for values that make no model. */
export type Resolve = (flags: readonly FlagValue[]) => StudyConfig;

/** The arm of each trial. Throws {@link StudyFaults} with the faults of all points. */
function armsOf(
  trials: readonly Trial[],
  { resolve, flag }: { resolve: Resolve; flag: string },
): Map<Trial, StudyConfig["arms"][number]> {
  const byArm = Map.groupBy(trials, ({ arm }) => arm), made = new Map<Trial, StudyConfig["arms"][number]>();
  const most = Math.max(...[...byArm.values()].map(({ length }) => length)), faults: Fault[] = [];
  for (let i = 0; i < most; i++) {
    const round = [...byArm.values()].flatMap((own) => own.slice(i, i + 1));
    try {
      const { arms } = resolve(round.flatMap((trial) => flagsAt(trial, flag)));
      for (const trial of round) {
        const arm = present(arms.find(({ name }) => name === trial.arm), `the arm ${trial.arm}`);
        made.set(trial, { ...arm, name: trial.name });
      }
    } catch (error) {
      if (!(error instanceof StudyFaults)) throw error;
      faults.push(...error.faults);
    }
  }
  throwFaults(faults);
  return made;
}

/**
 * The study that trains these trials. Each trial is an arm, and only the first stage is trained. `flag`: where the values come
 * from, for errors. Throws {@link StudyFaults} for values that make no model.
 */
export function studyOfTrials(
  trials: readonly Trial[],
  { base, seeds, resolve, flag = "the sweep" }: {
    base: StudyConfig;
    seeds: readonly number[];
    resolve: Resolve;
    flag?: string;
  },
): StudyConfig {
  const made = armsOf(trials, { resolve, flag }), { recall: _, mainArm: __, ...rest } = base;
  return {
    ...rest,
    seeds,
    lastStage: "pretraining",
    choosing: true,
    arms: trials.map((trial) => present(made.get(trial), trial.name)),
  };
}

const isNumeric = ({ values }: Axis): boolean => values.every((value) => typeof value === "number");

const ordered = ({ values }: Axis): number[] => values.map(Number).toSorted((a, b) => a - b);

/** The keys whose value at a point is the smallest or the largest number that was tried. So is a number that was tried alone. */
export const edgesOf = (axes: readonly Axis[], point: Point): string[] =>
  axes.filter((axis) => {
    const numbers = isNumeric(axis) ? ordered(axis) : [], value = point[axis.path];
    return numbers.length > 0 && (value === numbers[0] || value === numbers.at(-1));
  }).map(({ path }) => path);

/**
 * An axis with one more value beyond the edge where the point is, with the ratio of the last two values. Undefined if a value
 * is not above zero, if there is only one, if the key takes only whole numbers, or at the end of its range.
 */
export function extendedAxis(axis: Axis, point: Point): Axis | undefined {
  const type = keyAt(axis.path)?.type, numbers = ordered(axis);
  if (type?.kind !== "number" || numbers.length < 2 || at(numbers, 0) <= 0) return undefined;
  const low = point[axis.path] === numbers[0];
  const [edge, next] = low ? [at(numbers, 0), at(numbers, 1)] : [at(numbers, -1), at(numbers, -2)];
  const value = Number((edge * edge / next).toPrecision(12));
  return holds(type, value) ? { ...axis, values: low ? [value, ...axis.values] : [...axis.values, value] } : undefined;
}
