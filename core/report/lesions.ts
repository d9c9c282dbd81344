/** The results of lesions: by layer, part and kind of token. */
import { compareFamily } from "../eval/comparison.ts";
import type { LesionLosses } from "../eval/lesion.ts";
import { CHANGES, type Lesion } from "../eval/lesion_sites.ts";
import { blockMeans, blocksOf } from "../eval/text_blocks.ts";
import { type KindGroup, meanOfKind, whereIs } from "../eval/token_kinds.ts";
import { at, mean } from "../lists.ts";
import type { RunRecord, StageName } from "../record/mod.ts";
import { AFTER, oneLine } from "./caption.ts";
import { type Box, type Brush, paragraph, SMALLEST, write } from "./chart/canvas.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { csvText } from "./csv.ts";
import { fixed } from "./format.ts";
import { ACCENT, FAINT, INK, looks, tinted } from "./palette.ts";
import { asDifference, type Difference } from "./statistics.ts";
import type { Column } from "./text_table.ts";

/** The model with the lesions, and the text. */
export interface LesionSubject {
  readonly record: RunRecord;
  readonly model: string;
  readonly seed: number;
  readonly stage: StageName;
  readonly sequences: number;
}

/** The effect of one lesion on one kind of tokens. */
export interface LesionCost {
  readonly group: string;
  readonly kind: string;
  readonly tokens: number;
  readonly intact_nats: number;
  /** Loss with the lesion minus that of the intact model. */
  readonly increase: Difference;
}

/** The results of `hymba lesion`. */
export interface LesionReport extends LesionSubject {
  /** One entry for each lesion; the first cost is that of all tokens. */
  readonly lesions: readonly { readonly lesion: Lesion; readonly costs: readonly LesionCost[] }[];
  readonly together: number;
}

const ALL = "all tokens";

/** A kind needs at least this many tokens. With fewer, its mean is too noisy. */
const LEAST_TOKENS = 50;

/**
 * Compares every lesion with the intact model. `groups`: the kinds of the evaluated tokens. The intervals are simultaneous.
 */
export function lesionReport(
  subject: LesionSubject,
  { intact, lesions, groups }: {
    intact: Float32Array;
    lesions: readonly LesionLosses[];
    groups: readonly KindGroup[];
  },
): LesionReport {
  const everything = { group: ALL, kind: ALL, where: new Uint8Array(intact.length).fill(1) };
  const kinds = groups.flatMap((group) =>
    group.kinds.map((kind, i) => ({ group: group.title, kind, where: whereIs(group, i) }))
  ).filter(({ where }) => where.reduce((sum, x) => sum + x, 0) >= LEAST_TOKENS);
  const all = [everything, ...kinds], names = lesions.map((_, i) => `lesion ${i}`);
  const trainings = [intact, ...lesions.map(({ nats }) => nats)].map((nats, i) => ({
    arm: i === 0 ? "intact" : at(names, i - 1),
    seed: 0,
    nats,
  }));
  const blocks = blocksOf(intact.length, subject.record.study.sequenceLength);
  const contrasts = names.map((name) => ({ [name]: 1, intact: -1 }));
  const found = compareFamily(all.map(({ where }) => ({ means: blockMeans(trainings, { blocks, where }), contrasts })));
  const costOf = (lesion: number) =>
    all.flatMap(({ group, kind, where }, k): LesionCost[] => {
      const comparison = found[k]?.[lesion], intact_nats = meanOfKind(intact, where);
      if (!comparison || intact_nats === undefined) return [];
      const tokens = where.reduce((sum, x) => sum + x, 0);
      return [{ group, kind, tokens, intact_nats, increase: asDifference(comparison) }];
    });
  return {
    ...subject,
    lesions: lesions.map(({ lesion }, i) => ({ lesion, costs: costOf(i) })),
    together: all.length * lesions.length,
  };
}

/** The part with the lesion, in words. */
const partInWords = ({ part, head }: Lesion): string => head === undefined ? part : `head ${head}`;

/** lesions.csv: one row for each lesion and kind of tokens. */
export function lesionsCsv({ lesions, model, seed, stage }: LesionReport): string {
  const head =
    ("model,seed,stage,layer,part,head,change,kinds,kind,tokens,intact_nats,increase_nats,low_nats,high_nats," +
      "alone_low_nats,alone_high_nats").split(",");
  const rows = lesions.flatMap(({ lesion: { layer, part, head, change }, costs }) =>
    costs.map(({ group, kind, tokens, intact_nats, increase: { mean, interval, alone } }) => [
      ...[model, seed, stage, layer, part, head, change, group, kind, tokens, intact_nats, mean],
      ...[interval?.[0], interval?.[1], alone?.[0], alone?.[1]],
    ])
  );
  return csvText([head, ...rows]);
}

const range = ({ mean, interval }: Difference): string =>
  interval ? `${fixed(mean, 4)} (${fixed(interval[0], 4)} to ${fixed(interval[1], 4)})` : fixed(mean, 4);

/** The effect of every lesion on all tokens. */
export function lesionsTable({ lesions }: LesionReport): { columns: Column[]; rows: string[][] } {
  return {
    columns: [
      { name: "layer" },
      { name: "part", align: "left" },
      { name: "instead", align: "left" },
      { name: "loss rises by", unit: "nats/token, 95 % together" },
    ],
    rows: lesions.map(({ lesion, costs }) => [
      lesion.layer === undefined ? "all" : String(lesion.layer),
      partInWords(lesion),
      lesion.change,
      range(at(costs, 0).increase),
    ]),
  };
}

/** The basis of the numbers. */
export const lesionsNote = ({ sequences, model, seed, stage, together, record }: LesionReport): string =>
  `${oneLine(model)}, seed ${seed}, ${
    AFTER[stage]
  }, on ${sequences} whole sequences of ${record.study.sequenceLength} ` +
  `validation tokens. Average: the output at the same place, averaged over all sequences. Exchange: the output of another ` +
  `sequence at the same place. The intervals are over the text, for this trained model, and all ${together} hold together.`;

/** Rows of the heat tables: one for each part that some layer has. */
function partsOf(report: LesionReport): string[] {
  return [...new Set(report.lesions.filter(({ lesion }) => isChange(lesion)).map(({ lesion }) => partInWords(lesion)))];
}

const isChange = ({ change, layer }: Lesion) => layer !== undefined && CHANGES.some((one) => one === change);

/** The narrowest cell of a table with room for the name of its layer, and for a number (logical pixels). */
const WIDE = 50, NUMBER = 40;

/** A table of layers × parts, coloured by the effect of the lesion. */
function heatCell(report: LesionReport, change: string): Cell {
  const parts = partsOf(report), layers = [...new Set(report.lesions.flatMap(({ lesion }) => lesion.layer ?? []))];
  const costOf = (layer: number, part: string) =>
    report.lesions.find(({ lesion }) =>
      lesion.layer === layer && lesion.change === change && partInWords(lesion) === part
    )
      ?.costs[0]?.increase;
  const most = Math.max(
    1e-9,
    ...report.lesions.filter(({ lesion }) => isChange(lesion)).map(({ costs }) => at(costs, 0).increase.mean),
  );
  return {
    title: `Output ${{ zero: "zero", average: "averaged", exchange: "exchanged" }[change] ?? change}`,
    subtitle: "rise of the loss, nats per token",
    paint: (brush, box) => {
      const left = 78,
        cell = { width: (box.width - left) / layers.length, height: Math.min(46, (box.height - 30) / parts.length) };
      for (const [l, layer] of layers.entries()) {
        const x = box.x + left + (l + 0.5) * cell.width;
        write(brush, cell.width < WIDE ? String(layer) : `layer ${layer}`, {
          x,
          y: box.y + 10,
          size: SMALLEST,
          colour: FAINT,
          align: "center",
          width: cell.width,
        });
      }
      for (const [p, part] of parts.entries()) {
        const y = box.y + 22 + p * cell.height;
        write(brush, part, { x: box.x, y: y + cell.height / 2, size: SMALLEST, colour: INK, width: left - 6 });
        for (const [l, layer] of layers.entries()) {
          const where = { x: box.x + left + l * cell.width, y, ...cell };
          heat(brush, where, { cost: costOf(layer, part), most });
        }
      }
    },
  };
}

function heat(brush: Brush, { x, y, width, height }: Box, { cost, most }: { cost?: Difference; most: number }): void {
  brush.fillStyle = cost ? tinted(ACCENT, 0.85 * Math.max(0, Math.min(1, cost.mean / most)) ** 0.5) : "#f0f1f3";
  brush.fillRect(x + 1, y + 1, width - 2, height - 2);
  // The colour tells it, too, where a model has more layers than numbers fit.
  if (!cost || width < NUMBER) return;
  write(brush, fixed(cost.mean, cost.mean < 0.0995 ? 3 : 2), {
    x: x + width / 2,
    y: y + height / 2,
    size: SMALLEST,
    colour: INK,
    align: "center",
    width: width - 4,
  });
}

/** How many lesions have a curve. */
const CURVES = 5;

/** The costliest lesions of whole branches and of windows, by the kinds of a group. */
function kindCell(report: LesionReport, group: string): Cell | undefined {
  const branches = report.lesions.filter(({ lesion }) =>
    lesion.part !== "head" && lesion.change !== "zero" && lesion.change !== "exchange"
  );
  const costliest = branches.toSorted((a, b) => at(b.costs, 0).increase.mean - at(a.costs, 0).increase.mean)
    .slice(0, CURVES);
  const kinds = costliest[0]?.costs.filter((cost) => cost.group === group).map(({ kind }) => kind) ?? [];
  if (kinds.length < 2) return undefined;
  const names = costliest.map(({ lesion }) => lesionName(lesion)), look = looks(names);
  const lines = costliest.map(({ lesion, costs }): Line => ({
    points: costs.filter((cost) => cost.group === group).map(({ increase: { mean, interval, pairs } }, step) => {
      const [low, high] = interval ?? [mean, mean];
      return { step, spread: { mean, low, high, deviation: undefined, count: pairs } };
    }),
    look: look(lesionName(lesion)),
    markers: true,
    endName: lesionName(lesion).replaceAll(" ", "\u00a0"),
  }));
  return {
    title: `By ${group}`,
    subtitle: `the ${costliest.length} costliest of branches (averaged), windows, meta tokens`,
    plot: linePlot(lines, {
      x: { title: group, min: -0.2, max: kinds.length - 0.8, whole: true, tick: (i) => kinds[i] ?? "" },
      y: { title: "nats per token" },
      references: [{ axis: "y", value: 0 }],
    }),
  };
}

const lesionName = ({ layer, ...lesion }: Lesion): string =>
  `${layer === undefined ? "all layers" : layer}: ${partInWords(lesion)}${
    lesion.change === "average" ? "" : `, ${lesion.change}`
  }`;

/** lesions.png */
export function lesionsChart(report: LesionReport, { footer }: { footer: string }): Promise<Uint8Array> {
  const curves = ["distance from the last same token", "the pair of this token and the one before it"]
    .map((group) => kindCell(report, group)).filter((cell) => cell !== undefined);
  const others = report.lesions.filter(({ lesion }) => !isChange(lesion));
  const list: Cell = {
    title: "Windows and meta tokens",
    subtitle: "rise of the loss, nats per token",
    paint: (brush, box) => {
      const step = Math.min(19, (box.height - 90) / Math.max(1, others.length));
      for (const [i, { lesion, costs }] of others.entries()) {
        const words = `${
          lesion.layer === undefined ? "all layers" : `layer ${lesion.layer}`
        }: ${lesion.part}, ${lesion.change}`;
        write(brush, words, { x: box.x, y: box.y + 8 + i * step, size: SMALLEST, colour: INK, width: box.width - 60 });
        const value = fixed(at(costs, 0).increase.mean, 4);
        write(brush, value, {
          x: box.x + box.width,
          y: box.y + 8 + i * step,
          size: SMALLEST,
          colour: INK,
          align: "right",
        });
      }
      paragraph(brush, lesionsNote(report), { ...box, y: box.y + 18 + others.length * step });
    },
  };
  const layers = new Set(report.lesions.flatMap(({ lesion }) => lesion.layer ?? [])).size;
  return drawSheet({
    title: "What a model loses without a part",
    subtitle: `${oneLine(report.model)}, seed ${report.seed}, ${AFTER[report.stage]}; loss of the whole model ${
      fixed(mean(report.lesions[0]?.costs.slice(0, 1).map(({ intact_nats }) => intact_nats) ?? []), 3)
    } nats per token`,
    footer,
    columns: layers > 8 ? 1 : 2,
    cells: [...CHANGES.map((change) => heatCell(report, change)), ...curves, list],
    cellHeight: Math.max(330, 130 + 19 * others.length),
  });
}
