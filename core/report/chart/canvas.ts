/** Drawing with the rasteriser and its bundled font. Both are large, so they are loaded when the first picture is drawn. */
import { readFile } from "node:fs/promises";
import type { Canvas, SKRSContext2D } from "@napi-rs/canvas";
import { loadNative } from "../../system/mod.ts";
import { FAINT, PAPER } from "../palette.ts";

/** The drawing context of a canvas. */
export type Brush = SKRSContext2D;

/** A rectangle in logical pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Physical pixels per logical pixel. */
export const DENSITY = 2;

/** The width of every sheet of plots (logical pixels). */
export const SHEET = 1040;

/** The smallest text of a sheet (logical pixels): 6 points where the sheet is printed 17 cm wide, as on a page of A4. */
export const SMALLEST = 13;

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** The colour of pairs that a mask hides. */
export const HIDDEN: Rgb = [238, 240, 243];

/** Fonts by family. Letters that the Latin font lacks (Greek, accents, some mathematics) come from the others, in this order. */
const FILES = { Inter: "latin", InterGreek: "greek", InterMore: "latin-ext", InterCyrillic: "cyrillic" } as const;
const WEIGHTS = [400, 600];
export const FONT = Object.keys(FILES).join(", ");

let loading: Promise<(width: number, height: number) => Canvas> | undefined;

async function load() {
  const [{ createCanvas, GlobalFonts }] = await Promise.all([
    loadNative("@napi-rs/canvas", () => import("@napi-rs/canvas")),
    // This import makes the package known to the resolver below.
    import("@fontsource/inter/metadata.json", { with: { type: "json" } }),
  ]);
  for (const [family, subset] of Object.entries(FILES)) {
    for (const weight of WEIGHTS) {
      const name = `@fontsource/inter/files/inter-${subset}-${weight}-normal.woff2`;
      const bytes = await readFile(new URL(import.meta.resolve(name)));
      if (!GlobalFonts.register(bytes, family)) throw new Error(`${name} is not a font that the rasteriser can read`);
    }
  }
  return createCanvas;
}

/** A blank canvas. Width and height are physical pixels. Characters that the font lacks are drawn as code points. */
export async function canvasOf(width: number, height: number): Promise<Canvas> {
  const [create, { drawable }] = await Promise.all([loading ??= load(), import("./drawable.ts")]);
  const canvas = create(Math.ceil(width), Math.ceil(height)), brush = canvas.getContext("2d");
  // Every text is drawn through these three, also by the chart library.
  const fill = brush.fillText.bind(brush), stroke = brush.strokeText.bind(brush);
  const measure = brush.measureText.bind(brush);
  brush.fillText = (text, ...place) => fill(drawable(text), ...place);
  brush.strokeText = (text, ...place) => stroke(drawable(text), ...place);
  brush.measureText = (text) => measure(drawable(text));
  return canvas;
}

/** A square picture of `size` × `size` cells with one pixel per cell; `colourOf` takes row and column. */
export async function cellImage(size: number, colourOf: (row: number, column: number) => Rgb): Promise<Canvas> {
  const canvas = await canvasOf(size, size), brush = canvas.getContext("2d"), image = brush.createImageData(size, size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      image.data.set([...colourOf(row, column), 255], 4 * (row * size + column));
    }
  }
  brush.putImageData(image, 0, 0);
  return canvas;
}

/** Adds a straight line to the current path. */
export function segment(brush: Brush, from: readonly [number, number], to: readonly [number, number]): void {
  brush.moveTo(...from);
  brush.lineTo(...to);
}

/** The CSS font of a size in logical pixels. */
export const font = (size: number, { bold = false } = {}): string => `${bold ? 600 : 400} ${size}px ${FONT}`;

/** How a text is drawn. */
export interface TextStyle {
  readonly size: number;
  readonly colour: string;
  readonly bold?: boolean;
  readonly align?: "left" | "center" | "right";
  /** A white outline, so that the text can be read over lines. */
  readonly halo?: boolean;
  /** The largest width (logical pixels). A longer text ends in an ellipsis. */
  readonly width?: number;
}

/** Writes one line with its vertical middle at `y`. */
export function write(brush: Brush, text: string, { x, y, ...style }: TextStyle & { x: number; y: number }): void {
  brush.font = font(style.size, { bold: style.bold });
  brush.fillStyle = style.colour;
  brush.textAlign = style.align ?? "left";
  brush.textBaseline = "middle";
  const shown = style.width === undefined ? text : shortened(brush, text, style.width);
  if (style.halo) {
    brush.strokeStyle = PAPER;
    brush.lineWidth = 4;
    brush.lineJoin = "round";
    brush.strokeText(shown, x, y);
  }
  brush.fillText(shown, x, y);
}

function shortened(brush: Brush, text: string, width: number): string {
  if (brush.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && brush.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

/** Breaks a text into lines of at most `width` logical pixels. */
export function wrapped(brush: Brush, text: string, { size, width }: { size: number; width: number }): string[] {
  brush.font = font(size);
  const lines: string[] = [];
  if (text === "") return lines;
  // A number stays with its sign of percent.
  for (const word of text.replaceAll(" %", "\u00a0%").split(" ")) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && brush.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Distance of the lines of a paragraph (logical pixels). */
export const LINE = 18;

/** Writes lines from `y` downwards. Returns the y below them. */
export function writeLines(
  brush: Brush,
  lines: readonly string[],
  { x, y, size = SMALLEST }: { x: number; y: number; size?: number },
): number {
  for (const [i, line] of lines.entries()) write(brush, line, { x, y: y + LINE * (i + 0.5), size, colour: FAINT });
  return y + LINE * lines.length;
}

/** Writes a paragraph from the top of `box` downwards. Returns the y below it. */
export function paragraph(brush: Brush, text: string, { x, y, width }: Omit<Box, "height">): number {
  return writeLines(brush, wrapped(brush, text, { size: SMALLEST, width }), { x, y }) + 8;
}
