/**
 * Compares the models at equal tokens, flops and time. A run with shorter trainings (`decayAt`) has each model's loss at
 * several costs. Between two of them the loss is interpolated linearly over the logarithm of the cost.
 */
import type { Arm } from "../config/mod.ts";
import { at } from "../lists.ts";
import type { Run } from "../record/mod.ts";
import { budgetOf } from "../study/budgets.ts";
import { hasBranches } from "./branches.ts";
import { type Cell, csvText } from "./csv.ts";
import { comparedPart, type Difference, differenceOf } from "./statistics.ts";
import { duration, fixed, NONE, significant, whole } from "./format.ts";
import { oneLine } from "./caption.ts";
import { missingSpeed, timeNotes, trainingTime } from "./speeds.ts";
import { type Spread, spreadOf, testQuality } from "./summary.ts";
import type { MetricsTable } from "./text_table.ts";

const COST_AXES = ["tokens", "flops", "seconds"] as const;
export type CostAxis = typeof COST_AXES[number];

/** One model at one cost. */
export interface AtCost {
  readonly axis: CostAxis;
  /** Text tokens, floating-point operations or seconds of the first stage. */
  readonly cost: number;
  readonly model: string;
  /** Nats per token, the mean over the seeds. */
  readonly loss: number;
  /**
   * Loss minus that of the best model at this cost, paired by seed. The intervals are simultaneous for all pairs of models.
   */
  readonly above: Difference | undefined;
}

/** A model with its trainings, the shortest first. */
interface Lengths {
  readonly model: string;
  readonly arms: readonly Arm[];
}

function lengthsOf({ record: { study } }: Run): Lengths[] {
  const steps = (arm: Arm) => budgetOf(study, arm).steps;
  return study.arms.filter(({ trunk }) => !trunk).map((arm) => ({
    model: arm.name,
    arms: [...study.arms.filter(({ trunk }) => trunk === arm.name), arm].toSorted((a, b) => steps(a) - steps(b)),
  }));
}

/** The costs of a model's trainings on an axis; undefined if the time is not measurable. */
function costsOf(run: Run, { arms }: Lengths, axis: CostAxis): number[] | undefined {
  const costs = arms.flatMap((arm): number[] => {
    const budget = budgetOf(run.record.study, arm);
    if (axis !== "seconds") return [budget[axis]];
    const found = trainingTime(run, arm.name, budget.tokens);
    return found ? [found.mean] : [];
  });
  return costs.length === arms.length ? costs : undefined;
}

/** The loss of one training on the compared part of the text. */
function lossOf(run: Run, arm: string, seed: number): number | undefined {
  if (comparedPart(run) === "test") return testQuality(run, { arm, seed }, "pretraining")?.loss;
  return run.results.find((result) => result.arm === arm && result.seed === seed)?.stages.pretraining?.final.loss;
}

/** A model's losses by cost: one for the end of each training, the cheapest first. */
export interface LossByCost {
  readonly model: string;
  readonly points: readonly { readonly cost: number; readonly spread: Spread }[];
}

/** The losses of all models by their cost on an axis, on the compared part of the text. */
export const lossesByCost = (run: Run, axis: CostAxis): LossByCost[] =>
  lengthsOf(run).map((lengths) => {
    const costs = costsOf(run, lengths, axis);
    const points = lengths.arms.flatMap(({ name }, i) => {
      const spread = spreadOf(run.record.study.seeds.map((seed) => lossOf(run, name, seed)));
      return spread && costs ? [{ cost: at(costs, i), spread }] : [];
    });
    return { model: lengths.model, points };
  });

/** Interpolates a value linearly over the logarithm of the cost. Undefined outside the known costs. */
export function interpolated(
  costs: readonly number[],
  values: readonly (number | undefined)[],
  cost: number,
): number | undefined {
  // With a small tolerance, because the same cost can be computed in two ways.
  const above = costs.findIndex((each) => each >= cost * (1 - 1e-9));
  if (above < 0) return undefined;
  const high = at(costs, above), end = values[above];
  if (high <= cost * (1 + 1e-9)) return end;
  const low = costs[above - 1], start = values[above - 1];
  if (low === undefined || start === undefined || end === undefined) return undefined;
  return start + (end - start) * Math.log(cost / low) / Math.log(high / low);
}

/** Every model at one cost; empty if a model has no training as cheap as this. */
function atCost(
  run: Run,
  { models, costs, axis, cost }: {
    models: readonly Lengths[];
    /** The costs of each model's trainings. */
    costs: readonly (readonly number[])[];
    axis: CostAxis;
    cost: number;
  },
): AtCost[] {
  const { seeds } = run.record.study;
  const losses = models.map(({ arms }, i) =>
    seeds.map((seed) => interpolated(at(costs, i), arms.map(({ name }) => lossOf(run, name, seed)), cost))
  );
  const means = losses.flatMap((each) => spreadOf(each)?.mean ?? []);
  if (means.length < models.length) return [];
  const best = means.indexOf(Math.min(...means));
  const together = models.length * (models.length - 1) / 2;
  return models.map(({ model }, i) => {
    const pairs = at(losses, i).flatMap((loss, s) => {
      const other = at(losses, best)[s];
      return loss === undefined || other === undefined ? [] : [loss - other];
    });
    const above = i === best ? undefined : differenceOf(pairs, { together });
    return { axis, cost, model, loss: means[i] ?? NaN, above };
  });
}

/**
 * All models at all common costs: on each axis one cost per length, the largest last. There are no seconds if the speed of a
 * model is not steady.
 */
export function equalCosts(run: Run): AtCost[] {
  if (!hasBranches(run)) return [];
  const models = lengthsOf(run), count = Math.min(...models.map(({ arms }) => arms.length));
  return COST_AXES.flatMap((axis) => {
    const costs = models.flatMap((lengths) => {
      const own = costsOf(run, lengths, axis);
      return own ? [own] : [];
    });
    if (costs.length < models.length) return [];
    return Array.from({ length: count }, (_, i) =>
      // The cost of the cheapest model at this length. All other models have a shorter and a longer training around it.
      Math.min(...costs.map((own) => at(own, i)))).flatMap((cost) => atCost(run, { models, costs, axis, cost }));
  });
}

/** equal_costs.csv: one row for each axis, cost and model. */
export function equalCostsCsv(run: Run): string {
  const head = ["axis", "cost", "model", "loss_nats", "above_best_nats", "low", "high", "seeds", "part"];
  const rows = equalCosts(run).map(({ axis, cost, model, loss, above }): Cell[] => [
    axis,
    cost,
    model,
    loss,
    above?.mean ?? 0,
    above?.interval?.[0],
    above?.interval?.[1],
    above?.pairs,
    comparedPart(run),
  ]);
  const hasTimes = rows.some(([axis]) => axis === "seconds");
  return csvText([head, ...rows, ...(hasTimes ? [] : [["seconds", missingSpeed(run)]])]);
}

const IN_WORDS: Readonly<Record<CostAxis, (cost: number) => string>> = {
  tokens: (cost) => `${whole(cost)} tokens`,
  flops: (cost) => `${significant(cost / 1e12)} Tflop`,
  seconds: (cost) => `${duration(cost)} of training`,
};

/** The models at the largest common cost on each axis; empty without shorter trainings. */
export function equalCostTables(run: Run): MetricsTable[] {
  const all = equalCosts(run);
  const rows = COST_AXES.flatMap((axis) => {
    const ofAxis = all.filter((one) => one.axis === axis), most = Math.max(...ofAxis.map(({ cost }) => cost));
    return ofAxis.filter(({ cost }) => cost === most).map(({ cost, model, loss, above }) => [
      IN_WORDS[axis](cost),
      oneLine(model),
      fixed(loss, 4),
      above ? fixed(above.mean, 4) : "best",
      ...(above?.interval?.map((end) => fixed(end, 4)) ?? [NONE, NONE]),
    ]);
  });
  if (rows.length === 0) return [];
  return [{
    title: `Loss of the ${comparedPart(run)} part at equal cost of the first stage`,
    columns: [
      { name: "cost", align: "left" },
      { name: "model", align: "left" },
      { name: "loss", unit: "nats/token" },
      { name: "above best", unit: "nats/token" },
      { name: "95 % from", unit: "nats/token" },
      { name: "to", unit: "nats/token" },
    ],
    rows,
    note:
      "Each model was trained for several lengths. Between two of them the loss is a straight line over the logarithm of " +
      "the cost. Intervals are by Student's t over the seeds, and allow for all pairs of models and for the choice of the best. " +
      timeNotes(run).join(" "),
  }];
}
