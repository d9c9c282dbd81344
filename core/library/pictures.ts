/** Charts, architectures, runs and attention as pictures for notebooks. The rasteriser is loaded with the first picture. */
import { HymbaConfig, type HymbaOptions, layersOf } from "../config/mod.ts";
import { thisDisk } from "../disk/mod.ts";
import { quoted, UsageError } from "../errors.ts";
import { captureAttention } from "../eval/attention.ts";
import { loadRun } from "../record/mod.ts";
import { architecturePng } from "../report/architecture/poster.ts";
import {
  type ArtifactName,
  ARTIFACTS,
  availableArtifacts,
  metricsTables,
  promptAttentionChart,
} from "../report/mod.ts";
import { linePlot } from "../report/chart/lines.ts";
import { drawSheet } from "../report/chart/sheet.ts";
import { looks } from "../report/palette.ts";
import { engineOf, type Hymba } from "./hymba.ts";
import { picture, type Shown, showTable, tableOf } from "./shown.ts";

/** Points of one line: y at 1, 2, 3 and so on, or pairs of x and y. */
export type LinePoints = readonly number[] | readonly (readonly [x: number, y: number])[];

/** Titles and labels of a chart. */
export interface ChartOptions {
  /** Above it. */
  title?: string;
  /** Name of the horizontal axis. Default `step`. */
  x?: string;
  /** Name of the vertical axis. */
  y?: string;
  /** Whether the vertical axis is logarithmic. Default false. */
  log?: boolean;
}

const pointOf = (point: number | readonly [number, number], index: number): readonly [number, number] =>
  typeof point === "number" ? [index + 1, point] : point;

/**
 * A chart of lines by name. Points that are not finite are left out.
 *
 * @example
 * ```ts
 * import { showLines } from "@hymba/hymba/notebook";
 *
 * const chart = await showLines({ half: [4, 2, 1], third: [[1, 3], [3, 1]] }, { title: "Two lines", y: "loss (nats per token)" });
 * console.log(chart.png?.length);
 * ```
 */
export async function showLines(
  lines: Readonly<Record<string, LinePoints>>,
  { title = "", x = "step", y = "", log = false }: ChartOptions = {},
): Promise<Shown> {
  const names = Object.keys(lines), lookOf = looks(names);
  const drawn = Object.entries(lines).map(([name, points]) => ({
    look: lookOf(name),
    endName: name,
    points: points.map(pointOf).filter(([step, value]) => Number.isFinite(step) && Number.isFinite(value))
      .map(([step, value]) => ({
        step,
        spread: { mean: value, low: value, high: value, deviation: undefined, count: 1 },
      })),
  }));
  const empty = drawn.every(({ points }) => points.length === 0);
  if (empty) throw new UsageError("showLines: there is nothing to draw", { expected: "a line with a finite point" });
  const plot = linePlot(drawn, { x: { title: x }, y: { title: y, log } });
  const png = await drawSheet({
    title,
    subtitle: "",
    footer: "",
    columns: 1,
    cellHeight: 480,
    cells: [{ title: "", plot }],
  });
  return picture(png, `${title || "Lines"}: ${names.join(", ")}`);
}

const configOf = (config: HymbaConfig | Partial<HymbaOptions>) =>
  config instanceof HymbaConfig ? config : new HymbaConfig(config);

/** The layers, masks, parameters and caches of a configuration on one sheet. */
export async function showArchitecture(
  config: HymbaConfig | Partial<HymbaOptions>,
  { name }: { name?: string } = {},
): Promise<Shown> {
  const checked = configOf(config), title = name ?? checked.archType;
  return picture(await architecturePng(title, checked), `Architecture of ${title}`);
}

/** The layers of a configuration as a table: the parts of each, its window, and the owner of its keys and values. */
export function showLayers(config: HymbaConfig | Partial<HymbaOptions>): Shown {
  const rows = layersOf(configOf(config)).map(({ index, attention, mamba, window, kvOwner }) => ({
    layer: index,
    attention: !attention ? "" : window > 0 ? `last ${window} tokens` : "all tokens",
    Mamba: mamba ? "yes" : "",
    "keys and values of": attention ? `layer ${kvOwner}` : "",
  }));
  return showTable(rows, { title: "Layers" });
}

/** The figure of a run with this name, such as `ablation`, `stages`, `intervals` or `attentionPretraining`. */
export async function showRun(folder: string, name = "ablation"): Promise<Shown> {
  const run = await loadRun(thisDisk(), folder);
  const figures = availableArtifacts(run).filter((one) => ARTIFACTS[one].file.endsWith(".png"));
  const wanted: ArtifactName | undefined = figures.find((one) => one === name);
  if (!wanted) {
    throw new UsageError(`the run has no figure ${quoted(name)}`, { expected: figures.join(", ") });
  }
  const png = await ARTIFACTS[wanted].make(run);
  return picture(
    typeof png === "string" ? new TextEncoder().encode(png) : png,
    `${ARTIFACTS[wanted].file} of ${folder}`,
  );
}

/** The tables of a run's results, by their titles. */
export async function runTables(folder: string): Promise<ReadonlyMap<string, Shown>> {
  const tables = metricsTables(await loadRun(thisDisk(), folder));
  return new Map(tables.map(({ title, columns, rows }) => [title, tableOf(columns, rows, title)]));
}

/** Where the queries of a text look, in five layers of a model. Throws UsageError for a model without attention. */
export async function showAttention(
  model: Hymba,
  text: string | ArrayLike<number>,
  { name = model.config.archType }: { name?: string } = {},
): Promise<Shown> {
  const { executor, store } = engineOf(model), { tokenizer } = model;
  if (!layersOf(model.config).some(({ attention }) => attention)) {
    throw new UsageError("showAttention: the model has no attention", { got: model.config.archType });
  }
  if (typeof text === "string" && !tokenizer) throw new UsageError("showAttention: the model has no tokenizer");
  const ids = typeof text === "string" ? tokenizer?.encode(text) ?? [] : text;
  if (ids.length === 0) throw new UsageError("showAttention: the text is empty", { expected: "at least one token" });
  const labels = Array.from(ids, (id) => tokenizer ? tokenizer.nameOf(id) : String(id));
  const maps = await captureAttention(executor, store, { ids: Uint32Array.from(ids), labels });
  return picture(await promptAttentionChart(maps, { model: name, source: "hymba" }), `Attention of ${name}`);
}
