/** sweep.png: the loss of every arm against each key of a sweep. */
import type { ChartDataset } from "chart.js";
import type { SweepRecord } from "../record/mod.ts";
import { meanLoss } from "../study/sweep.ts";
import { oneLine } from "./caption.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Plot, plotOf, scale } from "./chart/plot.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { faded, type Look, looks } from "./palette.ts";
import { armsOfSweep, isChosen } from "./sweep_report.ts";

type Trial = SweepRecord["trials"][number];
type Axis = SweepRecord["over"][number];

/** The positions of the values of an axis: numbers at their value, other values at 1, 2, 3 and so on. */
interface Places {
  readonly log: boolean;
  readonly of: (value: unknown) => number;
  readonly names?: readonly string[];
}

/** The values of an axis that any trial has, in order, extensions too. */
function valuesOf({ path, values }: Axis, { trials }: SweepRecord): unknown[] {
  const all = [...values, ...trials.flatMap(({ point }) => path in point ? [point[path]] : [])];
  return [...new Map(all.map((value) => [JSON.stringify(value), value])).values()];
}

function placesOf(axis: Axis, record: SweepRecord): Places {
  const values = valuesOf(axis, record), numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === values.length) return { log: numbers.every((value) => value > 0), of: Number };
  const names = values.map((value) => typeof value === "string" ? value : JSON.stringify(value));
  const of = (value: unknown) => 1 + values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
  return { log: false, of, names };
}

/** For each value of a key, the trial with the lowest mean loss over the other keys. */
function bestByValue(trials: readonly Trial[], path: string): Trial[] {
  const groups = [...Map.groupBy(trials, ({ point }) => JSON.stringify(point[path])).values()];
  return groups.flatMap((group) => group.toSorted((a, b) => meanLoss(a) - meanLoss(b)).slice(0, 1));
}

/** The losses that a plot shows, [lowest, highest]. */
function lossRange({ trials }: SweepRecord): [low: number, high: number] {
  const known = trials.flatMap(({ losses }) => losses.flatMap(({ loss }) => loss === undefined ? [] : [loss]));
  return known.length === 0 ? [0, 1] : [Math.min(...known), Math.max(...known)];
}

type Dot = { x: number; y: number };

function datasetsOf(
  record: SweepRecord,
  { arm, look, axis, places, top }: { arm: string; look: Look; axis: Axis; places: Places; top: number },
): ChartDataset[] {
  const own = record.trials.filter((trial) => trial.arm === arm && axis.path in trial.point);
  const x = (trial: Trial) => places.of(trial.point[axis.path]);
  const seeds = own.flatMap((trial) => trial.losses.map(({ loss }): Dot => ({ x: x(trial), y: loss ?? top })));
  const best = bestByValue(own, axis.path).filter((trial) => Number.isFinite(meanLoss(trial)));
  const line = best.map((trial): Dot => ({ x: x(trial), y: meanLoss(trial) })).toSorted((a, b) => a.x - b.x);
  const chosen = own.filter((trial) => isChosen(record, trial)).map((trial): Dot => ({
    x: x(trial),
    y: meanLoss(trial),
  }));
  const shape = { pointStyle: look.marker, rotation: look.rotation, pointBorderColor: look.colour };
  const diverged = seeds.map(({ y }) => y === top);
  return [
    { ...shape, data: chosen, pointRadius: 10, pointBackgroundColor: "transparent", pointBorderWidth: 2.5, clip: 12 },
    { ...shape, data: line, showLine: true, borderColor: look.colour, borderWidth: 1.75, pointRadius: 0 },
    {
      ...shape,
      data: seeds,
      pointRadius: 4,
      pointStyle: diverged.map((is) => is ? "crossRot" : look.marker),
      pointBackgroundColor: faded(look.colour, 0.55),
      pointBorderWidth: diverged.map((is) => is ? 2 : 1),
      clip: 8,
    },
  ];
}

function axisPlot(record: SweepRecord, axis: Axis, look: (name: string) => Look): Plot {
  const places = placesOf(axis, record), [low, high] = lossRange(record), margin = 0.1 * (high - low || 1);
  const hasDiverged = record.trials.some(({ losses }) => losses.some(({ loss }) => loss === undefined));
  const top = high + margin,
    xs = valuesOf(axis, record).map(places.of),
    least = Math.min(...xs),
    most = Math.max(...xs);
  const ends = places.log ? { min: least / 1.25, max: most * 1.25 } : { min: least - 0.5, max: most + 0.5 };
  const names = places.names;
  const arms = armsOfSweep(record);
  return plotOf("scatter", {
    datasets: arms.flatMap((arm, i) =>
      datasetsOf(record, { arm, look: look(arm), axis, places, top: top + margin * i / 4 })
    ),
    x: scale({
      title: oneLine(axis.path),
      log: places.log,
      ...(names ? { ...ends, whole: true, tick: (value: number) => names[value - 1] ?? "" } : places.log ? ends : {}),
    }),
    y: scale({
      title: "nats per token",
      min: low - margin,
      max: hasDiverged ? top + margin * (arms.length + 2) / 4 : top,
    }),
  });
}

function legendCell(record: SweepRecord, look: (name: string) => Look): Cell {
  const names = armsOfSweep(record), found = record.choices.filter(({ edge }) => edge.length > 0).map(({ arm }) => arm);
  const notes = [
    `Points: single trainings, ${record.seeds.length} for each value. Lines: their mean, with the best values of the other keys.`,
    "Large hollow mark: the choice. Cross at the top: a training that diverged.",
    ...(found.length > 0
      ? [`At the edge of what was tried, so no optimum was found: ${found.map(oneLine).join(", ")}.`]
      : []),
  ];
  return {
    title: "Legend",
    paint: (brush, box) =>
      drawLegend(brush, box, { axis: { names: names.map(oneLine), looks: names.map(look) }, keys: [], notes }),
  };
}

/** Draws a sweep. Returns the bytes of a PNG. */
export function sweepChart(record: SweepRecord): Promise<Uint8Array> {
  const arms = armsOfSweep(record), look = looks(arms), { over, corpus, study, perArm, rounds } = record;
  return drawSheet({
    title: "Sweep: loss after the first stage",
    subtitle: `on the development part, which the choice is made on; ${
      perArm ? "each model has a choice of its own" : "one choice for all models"
    }`,
    footer: oneLine(`corpus ${corpus.name}  ·  study ${study}  ·  ${rounds} ${rounds === 1 ? "round" : "rounds"}`),
    columns: 2,
    cells: [
      ...over.map((axis): Cell => ({ title: oneLine(axis.path), plot: axisPlot(record, axis, look) })),
      legendCell(record, look),
    ],
    cellHeight: Math.max(380, 190 + 24 * arms.length),
    legendWidth: over.length > 1 ? undefined : 310,
  });
}
