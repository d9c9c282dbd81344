/** The recall probe: accuracy by distance of every arm as a picture, as CSV and as a table's rows. */
import type { RecallConfig } from "../config/mod.ts";
import type { RecallResult, Run } from "../record/mod.ts";
import { HymbaError } from "../errors.ts";
import { footerOf, line } from "./caption.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { drawSheet } from "./chart/sheet.ts";
import { percent, short, whole } from "./format.ts";
import { looks } from "./palette.ts";
import { type Spread, spreadOf } from "./summary.ts";

/** What was asked of whom. */
export interface Probe {
  readonly recall: RecallConfig;
  readonly results: readonly RecallResult[];
  /** Below the picture. */
  readonly footer: string;
}

/** The probe of a run. Throws a HymbaError when the run has none. */
export function probeOf(run: Run): Probe {
  const { recall } = run.record.study;
  if (recall && run.recall.length > 0) return { recall, results: run.recall, footer: footerOf(run) };
  throw new HymbaError("the run has no recall probe", {
    hint: "hymba recall makes one, and hymba ablate does with each study",
  });
}

/** The share of right answers of a model that picks any value. */
export const chanceOf = ({ values }: RecallConfig): number => 1 / values;

/** The arms that were probed, with their accuracy in each range over the seeds. */
export function recallByArm(
  { recall, results }: Probe,
): { name: string; accuracies: Spread[]; results: RecallResult[] }[] {
  return recall.arms.flatMap(({ name }) => {
    const own = results.filter(({ arm }) => arm === name);
    if (own.length === 0) return [];
    const accuracies = recall.ranges.map((_, i) => spreadOf(own.map((result) => result.accuracies[i]?.accuracy))!);
    return [{ name, accuracies, results: own }];
  });
}

/** recall.csv: one row for each arm, seed and range of distances. */
export function recallCsv({ results, recall }: Probe): string {
  const head = "model,seed,parameters,steps,train_s,loss_nats,least_distance,most_distance,queries,accuracy,chance";
  const rows = results.flatMap(({ arm, seed, parameters, steps, train_s, loss, accuracies }) =>
    accuracies.map(({ least, most, queries, accuracy }) =>
      [arm, seed, parameters, steps, train_s, loss, least, most, queries, accuracy, chanceOf(recall)].join(",")
    )
  );
  return [head, ...rows].map((row) => `${row}\n`).join("");
}

/** What the task is, in one line. */
export const taskInWords = ({ keys, values, length, perRange, ranges, steps, batch, arms }: RecallConfig): string =>
  `${perRange * ranges.length} of ${keys} keys with one of ${values} values each, among ${length} tokens; window ${
    arms[0]!.config.swaWindow
  }; ${steps} steps of ${batch} sequences from nothing`;

/** Points of one range stand beside each other, so far apart on an axis on which ranges are 1 apart. */
const DODGE = 0.08;

/** Draws accuracy by distance. Returns the bytes of a PNG. */
export function recallChart(probe: Probe): Promise<Uint8Array> {
  const { recall, footer } = probe,
    arms = recallByArm(probe),
    names = arms.map(({ name }) => name),
    look = looks(names);
  const lines = arms.map(({ name, accuracies }, i): Line => ({
    points: accuracies.map(({ mean, low, high, deviation, count }, range) => ({
      step: range + DODGE * (i - (arms.length - 1) / 2),
      spread: { mean: 100 * mean, low: 100 * low, high: 100 * high, deviation, count },
    })),
    look: look(name),
    markers: true,
  }));
  const ranges = recall.ranges.map(([least, most]) => `${least}–${most}`), edge = DODGE * (arms.length / 2 + 1);
  const chance = 100 * chanceOf(recall), seeds = new Set(probe.results.map(({ seed }) => seed)).size;
  const notes = [
    seeds === 1 ? "One seed: no spread can be shown." : `Mean of ${seeds} seeds; bands: least to most.`,
    ...arms.map(({ name, results }) => `${line(name)}: ${short(results[0]!.parameters)} parameters`),
  ];
  return drawSheet({
    title: "Associative recall by distance",
    subtitle: line(taskInWords(recall)),
    footer,
    columns: 2,
    cells: [
      {
        title: "Right answers",
        subtitle: "a key is shown with a value; later the key is shown again, and the value has to come next",
        plot: linePlot(lines, {
          x: {
            title: "tokens from pair to question",
            whole: true,
            min: -edge,
            max: ranges.length - 1 + edge,
            tick: (i) => ranges[i] ?? "",
          },
          y: { title: "% of questions", min: 0, max: 100 },
          references: [{ axis: "y", value: chance }],
        }),
      },
      {
        title: "Legend",
        paint: (brush, box) =>
          drawLegend(brush, box, {
            axis: { names: names.map(line), looks: names.map(look) },
            keys: [{ sample: "dashed", text: `chance, any value: ${chance.toFixed(1)} %` }],
            notes,
          }),
      },
    ],
    cell: { width: 620, height: Math.max(420, 120 + 46 * arms.length) },
    legendWidth: 300,
  });
}

/** What each arm recalls, near and far, in one sentence. */
export function recallFinding(probe: Probe): string {
  const { recall } = probe, near = recall.ranges[0]!, far = recall.ranges.at(-1)!;
  const said = recallByArm(probe).map(({ name, accuracies }) =>
    `${line(name)} ${percent(accuracies[0]!.mean)} and ${percent(accuracies.at(-1)!.mean)}`
  );
  return `Associative recall after ${whole(recall.steps)} steps, right answers at ${near[0]} to ${near[1]} and at ${
    far[0]
  } ` +
    `to ${far[1]} tokens (chance ${percent(chanceOf(recall))}): ${said.join("; ")}.`;
}
