/** A sweep: trains every arm at every point of a grid, extends the grid where its best point is at its edge, and chooses. */
import { mean, present } from "../lists.ts";
import type { Axis, SweepConfig } from "../study_file/mod.ts";
import { edgesOf, extendedAxis, type Point, pointsOf, type Trial, trialAt } from "./sweep_grid.ts";

/** What a trial came to. */
export interface Outcome extends Trial {
  /** Counted from 1. */
  readonly round: number;
  /** Loss on the development part after the last step (nats per token) of each seed; absent where the training diverged. */
  readonly losses: readonly { readonly seed: number; readonly loss?: number }[];
}

/** The point that is used for an arm. */
export interface Choice {
  readonly arm: string;
  readonly point: Point;
  /** Mean over the seeds of this arm (nats per token). */
  readonly loss: number;
  /** Keys whose best value is at the edge of all values that were tried: their optimum was not found. */
  readonly edge: readonly string[];
}

export interface SweepOutcome {
  /** Rounds that were trained: the grid itself, and its extensions. */
  readonly rounds: number;
  readonly outcomes: readonly Outcome[];
  /** Arms that diverged at every point have none. */
  readonly choices: readonly Choice[];
}

/** Mean over the seeds. A training that diverged counts as the worst. */
export const meanLoss = ({ losses }: Pick<Outcome, "losses">): number =>
  mean(losses.map(({ loss }) => loss ?? Infinity));

/** Arms that get one choice together, with the values that are tried so far. */
interface Group {
  readonly arms: readonly string[];
  readonly axes: readonly Axis[];
  /** How often the axes were extended. */
  readonly extended: number;
}

const trialsOf = ({ arms, axes }: Group): Trial[] => {
  const all = arms.flatMap((arm) => pointsOf(axes).map((point) => trialAt(arm, point, axes)));
  return [...new Map(all.map((trial) => [trial.name, trial])).values()];
};

/** The point of the lowest mean over the arms of a group, the first of several; undefined where all diverged. */
function bestPoint({ arms, axes }: Group, outcomes: ReadonlyMap<string, Outcome>): Point | undefined {
  let best: { point: Point; loss: number } | undefined;
  for (const point of pointsOf(axes)) {
    const found = arms.map((arm) => outcomes.get(trialAt(arm, point, axes).name));
    const loss = mean(found.map((outcome) => meanLoss(present(outcome, "an outcome"))));
    if (Number.isFinite(loss) && (best === undefined || loss < best.loss)) best = { point, loss };
  }
  return best?.point;
}

/** The group with longer axes where its best point is at an edge of them, and may still be extended; else the same group. */
function extendedGroup(
  group: Group,
  { outcomes, extend }: { outcomes: ReadonlyMap<string, Outcome>; extend: number },
): Group {
  const point = bestPoint(group, outcomes);
  if (point === undefined || group.extended >= extend) return group;
  const edges = edgesOf(group.axes, point);
  const axes = group.axes.map((axis) => edges.includes(axis.path) ? extendedAxis(axis, point) ?? axis : axis);
  return axes.some((axis, i) => axis !== group.axes[i]) ? { ...group, axes, extended: group.extended + 1 } : group;
}

function choicesOf(group: Group, outcomes: ReadonlyMap<string, Outcome>): Choice[] {
  const point = bestPoint(group, outcomes);
  if (point === undefined) return [];
  const edge = edgesOf(group.axes, point);
  return group.arms.map((arm) => {
    const { point: own, loss } = withLoss(present(outcomes.get(trialAt(arm, point, group.axes).name), arm));
    return { arm, point: own, loss, edge: edge.filter((path) => path in own) };
  });
}

const withLoss = ({ point, ...outcome }: Outcome) => ({ point, loss: meanLoss(outcome) });

/** The axes that concern one arm. */
const axesOf = (over: readonly Axis[], arm: string): Axis[] =>
  over.filter(({ path }) => !path.startsWith("arms.") || path.startsWith(`arms.${arm}.`));

const groupsOf = (
  arms: readonly string[],
  { over, perArm }: Pick<SweepConfig, "over" | "perArm">,
): Group[] =>
  perArm
    ? arms.map((arm) => ({ arms: [arm], axes: axesOf(over, arm), extended: 0 }))
    : [{ arms, axes: over, extended: 0 }];

/** The trials of the first round, which no loss decides. */
export const firstTrials = (arms: readonly string[], sweep: Pick<SweepConfig, "over" | "perArm">): Trial[] =>
  groupsOf(arms, sweep).flatMap(trialsOf);

/**
 * Trains the points of a sweep round after round. `train` is given trials that have not been trained yet and returns what they
 * came to, or undefined where that is not known yet: the sweep then ends without an outcome. The same losses lead to the same
 * rounds, so a sweep that was stopped continues when it is called again.
 */
export async function runSweep(
  arms: readonly string[],
  sweep: Pick<SweepConfig, "over" | "perArm" | "extend">,
  train: (trials: readonly Trial[], round: number) => Promise<readonly Outcome[] | undefined>,
): Promise<SweepOutcome | undefined> {
  let groups = groupsOf(arms, sweep);
  const outcomes = new Map<string, Outcome>();
  let rounds = 0;
  for (;;) {
    const trials = groups.flatMap(trialsOf).filter(({ name }) => !outcomes.has(name));
    if (trials.length === 0) break;
    rounds++;
    const found = await train(trials, rounds);
    if (!found) return undefined;
    for (const outcome of found) outcomes.set(outcome.name, outcome);
    groups = groups.map((group) => extendedGroup(group, { outcomes, extend: sweep.extend }));
  }
  return {
    rounds,
    outcomes: [...outcomes.values()],
    choices: groups.flatMap((group) => choicesOf(group, outcomes)),
  };
}

/**
 * The expected lowest loss of k of n trainings, for k from 1 to n, without bias: the mean of the minimum over all sets of k of
 * the n losses. A training that diverged counts as infinite. Source: Dodge and others, "Show your work", 2019, in the form for
 * draws without replacement.
 */
export function expectedBest(losses: readonly number[]): number[] {
  const sorted = losses.toSorted((a, b) => a - b), n = sorted.length;
  return sorted.map((_, index) => {
    const k = index + 1;
    // The share of sets whose minimum is the i-th lowest loss: C(n − i − 1, k − 1) / C(n, k).
    let share = k / n, sum = 0;
    for (let i = 0; i <= n - k; i++) {
      sum += share * (sorted[i] ?? NaN);
      share *= (n - i - k) / (n - i - 1);
    }
    return sum;
  });
}
