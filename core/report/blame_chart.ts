/** blame.png: how much each change from one model to another adds to the loss. */
import { type Blame, ordersInWords, ratesInWords } from "./blame.ts";
import { oneLine } from "./caption.ts";
import { dotPlot } from "./chart/bars.ts";
import { drawLegend } from "./chart/legend.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { capitalised, fixed } from "./format.ts";
import { INK, type Look } from "./palette.ts";
import { type Difference, isClear } from "./statistics.ts";
import type { Spread } from "./summary.ts";

const LOOK: Look = { colour: INK, marker: "circle", rotation: 0 };

const spreadOf = ({ mean, interval, pairs }: Difference): Spread => {
  const [low, high] = interval ?? [mean, mean];
  return { mean, low, high, deviation: undefined, count: pairs };
};

/** The plot of the shares, the largest first, and of their sum. */
function sharesCell(blame: Blame): Cell {
  const sorted = blame.changes.toSorted((a, b) => b.share.mean - a.share.mean);
  const all = { name: "all together", share: blame.total };
  const rows = [...sorted.map(({ change, share }) => ({ name: change, share })), all];
  const ends = [0, ...rows.flatMap(({ share }) => [share.mean, ...share.interval ?? []])];
  const low = Math.min(...ends), high = Math.max(...ends), margin = 0.1 * (high - low || 1);
  const points = (clear: boolean) => rows.map(({ share }) => isClear(share) === clear ? spreadOf(share) : undefined);
  const text = ({ mean }: Spread) => fixed(mean, 3);
  return {
    title: "What each change adds",
    subtitle: "left of zero: the loss falls; right of zero: it rises",
    plot: dotPlot({ names: rows.map(({ name }) => oneLine(name)), looks: rows.map(() => LOOK) }, {
      x: { title: "nats per token", min: low - margin, max: high + margin },
      series: [{ values: points(true), style: "filled", text }, { values: points(false), style: "hollow", text }],
      references: [{ axis: "x", value: 0, label: "no difference" }],
      dodged: false,
    }),
  };
}

function legendCell(blame: Blame): Cell {
  const notes = [
    `Shapley shares, ${ordersInWords(blame)}.`,
    `${capitalised(ratesInWords(blame))}.`,
    blame.seeds.length === 1
      ? "One seed: no intervals."
      : "Whiskers: 95 % intervals over the seeds that hold together.",
    ...(blame.idle.length > 0 ? [`Without effect here: ${blame.idle.join(", ")}.`] : []),
  ];
  const keys = [
    { sample: "filled", text: "told from zero" },
    { sample: "hollow", text: "not told from zero" },
  ] as const;
  return {
    title: "Legend",
    paint: (brush, box) => drawLegend(brush, box, { axis: { names: [], looks: [] }, keys, notes: notes.map(oneLine) }),
  };
}

/** Draws the shares and their sum. Returns the bytes of a PNG. */
export function blameChart(blame: Blame, { footer }: { footer: string }): Promise<Uint8Array> {
  return drawSheet({
    title: oneLine(`From ${blame.from} to ${blame.to}`),
    subtitle: `difference of the loss on the ${blame.part} part after the first stage`,
    footer,
    columns: 2,
    cells: [sharesCell(blame), legendCell(blame)],
    cellHeight: 130 + 52 * (blame.changes.length + 1),
    legendWidth: 310,
  });
}
