/** The colours and markers of the arms. An arm has the same ones in every figure. */
import type { ArchType } from "../config/mod.ts";
import { at } from "../lists.ts";

/** Marker shapes of Chart.js. */
export type Marker = "circle" | "rect" | "triangle" | "rectRot";

export interface Look {
  readonly colour: string;
  readonly marker: Marker;
  /** Rotation of the marker (degrees). */
  readonly rotation: number;
}

/**
 * Colours that can be distinguished with any form of colour blindness. Source: Okabe and Ito, "Color universal design", 2008.
 * Yellow is left out, because it is hard to see on white.
 */
const OKABE_ITO = {
  orange: "#e69f00",
  blue: "#0072b2",
  sky: "#56b4e9",
  green: "#009e73",
  vermillion: "#d55e00",
  purple: "#cc79a7",
  black: "#000000",
} as const;

/**
 * More colours for studies of many arms. Source: Tol, "Colour schemes", SRON/EPS/TN/09-002, the muted scheme. Vermillion is not
 * among them, because it belongs to `hymba`.
 */
const TOL_MUTED = { grey: "#8a8a8a", olive: "#999933", wine: "#882255", teal: "#44aa99", indigo: "#332288" } as const;

const FIXED: ReadonlyMap<string, Look> = new Map<string, Look>(Object.entries(
  {
    "mamba": { colour: OKABE_ITO.orange, marker: "triangle", rotation: 0 },
    "transformer-global": { colour: OKABE_ITO.blue, marker: "rect", rotation: 0 },
    "transformer-local": { colour: OKABE_ITO.sky, marker: "rectRot", rotation: 0 },
    "hybrid-sequential": { colour: OKABE_ITO.green, marker: "triangle", rotation: 180 },
    "hymba": { colour: OKABE_ITO.vermillion, marker: "circle", rotation: 0 },
  } satisfies Record<ArchType, Look>,
));

const OTHERS: readonly Look[] = [
  { colour: OKABE_ITO.purple, marker: "rect", rotation: 0 },
  { colour: OKABE_ITO.black, marker: "triangle", rotation: 0 },
  { colour: OKABE_ITO.orange, marker: "rectRot", rotation: 0 },
  { colour: OKABE_ITO.blue, marker: "triangle", rotation: 180 },
  { colour: OKABE_ITO.sky, marker: "circle", rotation: 0 },
  { colour: OKABE_ITO.green, marker: "rect", rotation: 0 },
  { colour: TOL_MUTED.grey, marker: "triangle", rotation: 0 },
  { colour: TOL_MUTED.olive, marker: "circle", rotation: 0 },
  { colour: TOL_MUTED.wine, marker: "rectRot", rotation: 0 },
  { colour: TOL_MUTED.teal, marker: "triangle", rotation: 180 },
  { colour: TOL_MUTED.indigo, marker: "rect", rotation: 0 },
];

/**
 * The look of each arm by name. The five architectures have fixed looks. Other arms get the rest in their order, first the
 * looks whose colours are not used by these five.
 */
export function looks(names: readonly string[]): (name: string) => Look {
  const others = names.filter((name) => !FIXED.has(name));
  const taken = new Set(names.map((name) => FIXED.get(name)?.colour));
  const free = OTHERS.toSorted((a, b) => Number(taken.has(a.colour)) - Number(taken.has(b.colour)));
  return (name) => FIXED.get(name) ?? at(free, Math.max(0, others.indexOf(name)) % free.length);
}

export const INK = "#1f2328", FAINT = "#6b7280", GRID = "#e5e7eb", PAPER = "#ffffff", ACCENT = "#d55e00";

/** A colour (#rrggbb) mixed with white; opacity is 0 to 1. It replaces transparency, which SVG renderers treat differently. */
export function tinted(colour: string, opacity: number): string {
  const channel = (from: number) => {
    const value = parseInt(colour.slice(from, from + 2), 16);
    return Math.round(255 + opacity * (value - 255)).toString(16).padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** A colour (#rrggbb) with an opacity from 0 to 1. */
export function faded(colour: string, opacity: number): string {
  return `${colour}${Math.round(255 * opacity).toString(16).padStart(2, "0")}`;
}
