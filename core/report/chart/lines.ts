/** Curves over training steps. */
import { faded } from "../palette.ts";
import type { Look } from "../palette.ts";
import type { Point } from "../summary.ts";
import { type Axis, type EndName, type Plot, plotOf, type Reference, scale } from "./plot.ts";

/** One curve; the band between the seeds is drawn when there are several. */
export interface Line {
  readonly points: readonly Point[];
  readonly look: Look;
  /** `faint` for what only shows the noise around another curve, `dashed` for a control. */
  readonly style?: "plain" | "faint" | "dashed";
  readonly markers?: boolean;
  /** Stands beside the plot where the curve ends. */
  readonly endName?: string;
}

/** More points than this are averaged in groups of neighbours. */
export const MOST_POINTS = 150;

/** Neighbouring points averaged so that at most {@link MOST_POINTS} are left. */
export function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const members = points.slice(group * size, (group + 1) * size);
    const mean = (of: (point: Point) => number) => members.reduce((sum, point) => sum + of(point), 0) / members.length;
    const middle = members[Math.floor(members.length / 2)]!;
    return {
      step: middle.step,
      spread: {
        ...middle.spread,
        mean: mean(({ spread }) => spread.mean),
        low: mean(({ spread }) => spread.low),
        high: mean(({ spread }) => spread.high),
      },
    };
  });
}

function datasetsOf({ points, look, style = "plain", markers = false }: Line) {
  const shown = thinned(points);
  const at = (of: (point: Point) => number) => shown.map((point) => ({ x: point.step, y: of(point) }));
  const bare = { showLine: true, pointRadius: 0, borderWidth: 0, borderColor: "transparent" };
  const band = style !== "faint" && shown.some(({ spread }) => spread.low < spread.high)
    ? [
      { ...bare, data: at(({ spread }) => spread.high), fill: "+1", backgroundColor: faded(look.colour, 0.15) },
      { ...bare, data: at(({ spread }) => spread.low) },
    ]
    : [];
  return [...band, {
    data: at(({ spread }) => spread.mean),
    showLine: true,
    borderColor: style === "faint" ? faded(look.colour, 0.35) : look.colour,
    borderWidth: style === "faint" ? 1 : 1.75,
    borderDash: style === "dashed" ? [6, 4] : [],
    pointStyle: look.marker,
    rotation: look.rotation,
    pointRadius: markers ? 4 : 0,
    pointBackgroundColor: style === "dashed" ? "#ffffff" : look.colour,
    pointBorderColor: look.colour,
    pointBorderWidth: 1,
    clip: 8,
  }];
}

/** Curves over steps. */
export function linePlot(
  lines: readonly Line[],
  { x, y, references }: { x: Axis; y: Axis; references?: readonly Reference[] },
): Plot {
  const datasets = lines.flatMap(datasetsOf);
  const ends = lines.flatMap(({ points, endName }): EndName[] => {
    const last = points.at(-1);
    return last && endName !== undefined ? [{ value: last.spread.mean, text: endName }] : [];
  });
  return plotOf("scatter", { datasets, x: scale(x), y: scale(y), marks: { references, ends } });
}
