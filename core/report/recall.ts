/** The accuracy of every arm in the recall probe, by distance: as a picture, as CSV and in words. */
import { cacheSize, type RecallConfig } from "../config/mod.ts";
import { at } from "../lists.ts";
import type { RecallResult, Run } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { footerOf, oneLine } from "./caption.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { percent, short, whole } from "./format.ts";
import { type Look, looks } from "./palette.ts";
import { type Spread, spreadOf } from "./summary.ts";

/** A probe: its task, its results, and the footer of its picture. */
export interface Probe {
  readonly recall: RecallConfig;
  readonly results: readonly RecallResult[];
  readonly footer: string;
}

/** The probe of a run. Throws a HymbaError when the run has none. */
export function probeOf(run: Run): Probe {
  const { recall } = run.record.study;
  if (recall && run.recall.length > 0) return { recall, results: run.recall, footer: footerOf(run) };
  throw new HymbaError("the run has no recall probe", {
    hint: "run hymba recall, or hymba ablate, which includes the probe",
  });
}

/** Size of the keys, values and states of the small model of an arm over one sequence of the task (bytes). */
export function carriedBytes({ arms, length }: RecallConfig, name: string): number | undefined {
  const config = arms.find((arm) => arm.name === name)?.config;
  if (!config) return undefined;
  const { kvBytes, stateBytes } = cacheSize(config, length);
  return kvBytes + stateBytes;
}

/** The accuracy of guessing. */
export const chanceOf = ({ values }: RecallConfig): number => 1 / values;

/** The results of one arm, and its accuracy over the seeds in each range of distances. */
export interface ArmRecall {
  readonly name: string;
  readonly accuracies: readonly Spread[];
  readonly results: readonly RecallResult[];
}

/** The results by arm, without the arms that have none. */
export function recallByArm({ recall, results }: Probe): ArmRecall[] {
  return recall.arms.flatMap(({ name }) => {
    const own = results.filter(({ arm }) => arm === name);
    if (own.length === 0) return [];
    const accuracies = recall.ranges.map((_, i) => spreadOf(own.map((result) => at(result.accuracies, i).accuracy)));
    return [{ name, accuracies: accuracies.filter((spread) => spread !== undefined), results: own }];
  });
}

/** recall.csv: one row for each arm, seed and range of distances. */
export function recallCsv({ results, recall }: Probe): string {
  const head = "model,seed,parameters,steps,loss_nats,least_distance,most_distance,queries,accuracy,chance," +
    "rate,steps_to_90,carried_bytes";
  const rows = results.flatMap(({ arm, seed, parameters, steps, loss, accuracies, rate, stepsTo90 }) =>
    accuracies.map(({ least, most, queries, accuracy }) =>
      [
        ...[arm, seed, parameters, steps, loss, least, most, queries, accuracy, chanceOf(recall)],
        ...[rate ?? recall.rate, stepsTo90 ?? "", carriedBytes(recall, arm) ?? ""],
      ].join(",")
    )
  );
  return [head, ...rows].map((row) => `${row}\n`).join("");
}

/** The task in one line. */
export const taskInWords = ({ keys, values, length, perRange, ranges, steps, batch, arms }: RecallConfig): string =>
  `${length} tokens with ${perRange * ranges.length} pairs of a key (of ${keys}) and a value (of ${values}); window ${
    at(arms, 0).config.swaWindow
  }; ${steps} training steps of ${batch} sequences`;

/** Room beside the first and the last range, on an axis on which neighbouring ranges have distance 1. */
const EDGE = 0.15;

function accuracyCell({ recall }: Probe, arms: readonly ArmRecall[], look: (name: string) => Look): Cell {
  const ranges = recall.ranges.map(([least, most]) => `${least}–${most}`);
  const lines = arms.map(({ name, accuracies }): Line => ({
    points: accuracies.map(({ mean, low, high, deviation, count }, range) => ({
      step: range,
      spread: { mean: 100 * mean, low: 100 * low, high: 100 * high, deviation, count },
    })),
    look: look(name),
    markers: true,
  }));
  return {
    title: "Right answers",
    subtitle: "each key stands before its value, and once more later: the model has to predict the value",
    plot: linePlot(lines, {
      x: {
        title: "tokens from pair to question",
        whole: true,
        min: -EDGE,
        max: ranges.length - 1 + EDGE,
        tick: (i) => ranges[i] ?? "",
      },
      y: { title: "% of questions", min: 0, max: 100 },
      references: [{ axis: "y", value: 100 * chanceOf(recall) }],
    }),
  };
}

function legendCell({ recall, results }: Probe, arms: readonly ArmRecall[], look: (name: string) => Look): Cell {
  const seeds = new Set(results.map(({ seed }) => seed)).size, names = arms.map(({ name }) => name);
  const notes = [
    seeds === 1 ? "One seed: no spread can be shown." : `Mean of ${seeds} seeds. Bands: minimum to maximum.`,
    ...arms.map(({ name, results }) => `${oneLine(name)}: ${short(at(results, 0).parameters)} parameters`),
  ];
  return {
    title: "Legend",
    paint: (brush, box) =>
      drawLegend(brush, box, {
        axis: { names: names.map(oneLine), looks: names.map(look) },
        keys: [{ sample: "dashed", text: `a guessed value: ${(100 * chanceOf(recall)).toFixed(1)} %` }],
        notes,
      }),
  };
}

/** Draws accuracy by distance. Returns the bytes of a PNG. */
export function recallChart(probe: Probe): Promise<Uint8Array> {
  const arms = recallByArm(probe), look = looks(arms.map(({ name }) => name));
  return drawSheet({
    title: "Associative recall by distance",
    subtitle: oneLine(taskInWords(probe.recall)),
    footer: probe.footer,
    columns: 2,
    cells: [accuracyCell(probe, arms, look), legendCell(probe, arms, look)],
    cellHeight: Math.max(420, 130 + 46 * arms.length),
    legendWidth: 310,
  });
}

/** The accuracy of each arm at the shortest and at the longest distances, in one sentence. */
export function recallFinding(probe: Probe): string {
  const { recall } = probe, near = at(recall.ranges, 0).join(" to "), far = at(recall.ranges, -1).join(" to ");
  const byArm = recallByArm(probe).map(({ name, accuracies }) =>
    `${oneLine(name)} ${percent(at(accuracies, 0).mean)} and ${percent(at(accuracies, -1).mean)}`
  );
  return `Associative recall after ${whole(recall.steps)} steps, right answers at ${near} and at ${far} tokens ` +
    `(chance ${percent(chanceOf(recall))}): ${byArm.join("; ")}.`;
}
