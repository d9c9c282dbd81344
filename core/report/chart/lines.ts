/** Curves over training steps. */
import { at } from "../../lists.ts";
import { faded, type Look } from "../palette.ts";
import type { Point } from "../summary.ts";
import { type Axis, type EndName, type Plot, plotOf, type Reference, scale } from "./plot.ts";

/** One curve. With several seeds a band shows their range. */
export interface Line {
  readonly points: readonly Point[];
  readonly look: Look;
  /** `faint` for noisy curves behind others, `dashed` for a control. */
  readonly style?: "plain" | "faint" | "dashed";
  readonly markers?: boolean;
  /** The name beside the plot, at the end of the curve. */
  readonly endName?: string;
  /** The same at the height of its highest point. */
  readonly topName?: string;
}

/** The most points of a drawn curve. A longer one is averaged. */
export const MOST_POINTS = 150;

/** The curve with groups of neighbouring points averaged, so that at most `most` points are left. */
export function averaged(points: readonly Point[], most = MOST_POINTS): Point[] {
  const size = Math.ceil(points.length / most);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const members = points.slice(group * size, (group + 1) * size);
    const mean = (of: (point: Point) => number) => members.reduce((sum, point) => sum + of(point), 0) / members.length;
    const middle = at(members, Math.floor(members.length / 2));
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
  const shown = averaged(points);
  const data = (of: (point: Point) => number) => shown.map((point) => ({ x: point.step, y: of(point) }));
  const bare = { showLine: true, pointRadius: 0, borderWidth: 0, borderColor: "transparent" };
  const band = style !== "faint" && shown.some(({ spread }) => spread.low < spread.high)
    ? [
      { ...bare, data: data(({ spread }) => spread.high), fill: "+1", backgroundColor: faded(look.colour, 0.15) },
      { ...bare, data: data(({ spread }) => spread.low) },
    ]
    : [];
  return [...band, {
    data: data(({ spread }) => spread.mean),
    showLine: true,
    borderColor: style === "faint" ? faded(look.colour, 0.35) : look.colour,
    borderWidth: style === "faint" ? 1 : 1.75,
    borderDash: style === "dashed" ? [6, 4] : [],
    pointStyle: look.marker,
    rotation: look.rotation,
    // A curve of one point would be invisible.
    pointRadius: markers || shown.length === 1 ? 4 : 0,
    pointBackgroundColor: style === "dashed" ? "#ffffff" : look.colour,
    pointBorderColor: look.colour,
    pointBorderWidth: 1,
    clip: 8,
  }];
}

/** A plot of curves. */
export function linePlot(
  lines: readonly Line[],
  { x, y, references }: { x: Axis; y: Axis; references?: readonly Reference[] },
): Plot {
  const datasets = lines.flatMap(datasetsOf);
  const ends = lines.flatMap(({ points, endName, topName }): EndName[] => {
    const last = points.at(-1), top = Math.max(...points.map(({ spread }) => spread.mean));
    return [
      ...(last && endName !== undefined ? [{ value: last.spread.mean, text: endName }] : []),
      ...(last && topName !== undefined ? [{ value: top, text: topName }] : []),
    ];
  });
  return plotOf("scatter", { datasets, x: scale(x), y: scale(y), marks: { references, ends } });
}
