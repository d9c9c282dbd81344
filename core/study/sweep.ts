/**
 * A sweep: trains every arm at every point of a grid, extends the grid if its best point is at an edge, and chooses a point.
 */
import { mean, present } from "../lists.ts";
import type { Axis, SweepConfig } from "../study_file/mod.ts";
import { edgesOf, extendedAxis, type Point, pointsOf, type Trial, trialAt } from "./sweep_grid.ts";

/** The result of a trial. */
export interface Outcome extends Trial {
  /** Counted from 1. */
  readonly round: number;
  /** Loss on the development part after the last step for each seed (nats per token); absent if the training diverged. */
  readonly losses: readonly { readonly seed: number; readonly loss?: number }[];
}

/** The chosen point of an arm. */
export interface Choice {
  readonly arm: string;
  readonly point: Point;
  /** Mean over the seeds of this arm (nats per token). */
  readonly loss: number;
  /** Keys whose best value is at an edge of all tried values, so that their optimum was not found. */
  readonly edge: readonly string[];
}

export interface SweepOutcome {
  /** Number of trained rounds: the grid itself, and its extensions. */
  readonly rounds: number;
  readonly outcomes: readonly Outcome[];
  /** No choice for arms that diverged at every point. */
  readonly choices: readonly Choice[];
}

/** Mean over the seeds. Infinite if a training diverged. */
export const meanLoss = ({ losses }: Pick<Outcome, "losses">): number =>
  mean(losses.map(({ loss }) => loss ?? Infinity));

/** Arms that share one choice, with the values tried so far. */
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

/** The point with the lowest mean loss over the arms of a group (the first one in a tie); undefined if all diverged. */
function bestPoint({ arms, axes }: Group, outcomes: ReadonlyMap<string, Outcome>): Point | undefined {
  let best: { point: Point; loss: number } | undefined;
  for (const point of pointsOf(axes)) {
    const found = arms.map((arm) => outcomes.get(trialAt(arm, point, axes).name));
    const loss = mean(found.map((outcome) => meanLoss(present(outcome, "an outcome"))));
    if (Number.isFinite(loss) && (best === undefined || loss < best.loss)) best = { point, loss };
  }
  return best?.point;
}

/** The group with extended axes, if its best point is at an edge and more extensions are allowed; else the same group. */
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

/** The axes that apply to one arm. */
const axesOf = (over: readonly Axis[], arm: string): Axis[] =>
  over.filter(({ path }) => !path.startsWith("arms.") || path.startsWith(`arms.${arm}.`));

const groupsOf = (
  arms: readonly string[],
  { over, perArm }: Pick<SweepConfig, "over" | "perArm">,
): Group[] =>
  perArm
    ? arms.map((arm) => ({ arms: [arm], axes: axesOf(over, arm), extended: 0 }))
    : [{ arms, axes: over, extended: 0 }];

/** The trials of the first round, which depend on no loss. */
export const firstTrials = (arms: readonly string[], sweep: Pick<SweepConfig, "over" | "perArm">): Trial[] =>
  groupsOf(arms, sweep).flatMap(trialsOf);

/**
 * Trains the points of a sweep round after round. `train` gets trials that have not been trained yet and returns their
 * results. If it returns undefined, they are not known yet and the sweep ends without an outcome. The same losses lead to the
 * same rounds, so a second call continues a sweep that was stopped.
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
    // The share of sets of size k whose minimum is the i-th lowest loss: C(n − i − 1, k − 1) / C(n, k).
    let share = k / n, sum = 0;
    for (let i = 0; i <= n - k; i++) {
      sum += share * (sorted[i] ?? NaN);
      share *= (n - i - k) / (n - i - 1);
    }
    return sum;
  });
}
