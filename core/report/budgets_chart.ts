/** budgets.png: the validation loss in the first stage against tokens, floating-point operations and seconds. */
import type { Run } from "../record/mod.ts";
import { armAxis } from "./ablation_chart.ts";
import { at } from "../lists.ts";
import { hasBranches, withoutBranches } from "./branches.ts";
import { spentOf } from "./budgets.ts";
import { footerOf, spreadNote } from "./caption.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { type CostAxis, lossesByCost } from "./equal_costs.ts";
import { timeNotes, tokensPerStep, trainingTime } from "./speeds.ts";
import { comparedPart } from "./statistics.ts";
import { curve, summaries } from "./summary.ts";

/** A horizontal axis: its name, and the place of a step of an arm on it. */
interface Axis {
  readonly axis: CostAxis;
  readonly title: string;
  readonly unit: string;
  readonly of: (arm: string) => (step: number) => number | undefined;
}

function axesOf(run: Run): Axis[] {
  const flops = new Map(spentOf(run).map(({ arm, flops, steps }) => [arm, flops / steps]));
  return [
    {
      axis: "tokens",
      title: "Loss by tokens",
      unit: "text tokens",
      of: (arm) => (step) => step * tokensPerStep(run, arm),
    },
    {
      axis: "flops",
      title: "Loss by arithmetic",
      unit: "floating-point operations",
      of: (arm) => (step) => step * (flops.get(arm) ?? NaN),
    },
    {
      axis: "seconds",
      title: "Loss by time",
      unit: "seconds, at the measured speed",
      of: (arm) => (step) => trainingTime(run, arm, step * tokensPerStep(run, arm))?.mean,
    },
  ];
}

/** The curves of a run whose models were trained once: the loss at each evaluation. */
function curvesOf(run: Run, { of }: Axis): Line[] {
  const arms = summaries(run), { looks } = armAxis(arms);
  return arms.map(({ name }, i): Line => {
    const place = of(name),
      points = curve(run, { arm: name, stage: "pretraining", kind: "evaluation" }, ({ loss }) => loss);
    const placed = points.flatMap(({ step, spread }) => {
      const x = place(step);
      return x === undefined || !Number.isFinite(x) ? [] : [{ step: x, spread }];
    });
    return { points: placed, look: at(looks, i), markers: true };
  });
}

/** The curves of a run with shorter trainings: the loss at the end of each. */
function endsOf(run: Run, { axis }: Axis): Line[] {
  const { looks } = armAxis(summaries(withoutBranches(run)));
  return lossesByCost(run, axis).map(({ points }, i): Line => ({
    points: points.map(({ cost, spread }) => ({ step: cost, spread })),
    look: at(looks, i),
    markers: true,
  }));
}

/** The plot of an axis; empty if no model has a cost on it. */
function cellsOf(run: Run, axis: Axis): Cell[] {
  const { title, unit } = axis, several = hasBranches(run), lines = several ? endsOf(run, axis) : curvesOf(run, axis);
  if (axis.axis === "seconds" && lines.every(({ points }) => points.length === 0)) return [];
  const y = { title: "nats per token" }, x = several ? { title: unit, log: true } : { title: unit, min: 0 };
  const subtitle = several
    ? `${comparedPart(run)} loss at the end of each training; lower is better`
    : "validation loss in the first stage; lower is better";
  return [{ title, subtitle, plot: linePlot(lines, { x, y }) }];
}

/** Draws the plots and a legend. Returns the bytes of a PNG. */
export function budgetsChart(run: Run): Promise<Uint8Array> {
  const arms = summaries(withoutBranches(run)), { match, budget = "tokens" } = run.record.study;
  const legend: Cell = {
    title: "Legend",
    paint: (brush, box) =>
      drawLegend(brush, box, {
        axis: armAxis(arms),
        keys: [],
        notes: [
          spreadNote(run),
          "Only on the axis that the study matched do the curves end at the same place.",
          ...timeNotes(run),
          ...(hasBranches(run) ? ["Each point is a training of its own length, with a falling rate at its end."] : []),
        ],
      }),
  };
  const cells = [...axesOf(run).flatMap((axis) => cellsOf(run, axis)), legend];
  return drawSheet({
    title: "What the loss costs",
    subtitle: `the models are matched on ${budget}${
      match === "parameters" ? " and on parameters" : ""
    }, and on nothing else`,
    footer: footerOf(run),
    columns: 2,
    cells,
    cellHeight: Math.max(330, 130 + 24 * arms.length),
  });
}
