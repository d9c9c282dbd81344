/** Tables and paragraphs in plain text. */
import { at } from "../lists.ts";

/** A column: its heading, and the unit below it. Its cells are aligned to the right by default. */
export interface Column {
  readonly name: string;
  readonly unit?: string;
  readonly align?: "left" | "right";
}

const SEGMENTS = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Approximate width of a text on a terminal: the number of its graphemes. */
const widthOf = (text: string) => [...SEGMENTS.segment(text)].length;

function padded(text: string, { width, align = "right" }: { width: number; align?: Column["align"] }): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + space : space + text;
}

/** The lines of a table: headings, units if any column has one, a rule, the rows. Missing cells are empty. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const heads = [columns.map(({ name }) => name)];
  if (columns.some(({ unit }) => unit !== undefined)) heads.push(columns.map(({ unit }) => unit ?? ""));
  const widths = columns.map((_, index) => Math.max(...[...heads, ...rows].map((row) => widthOf(row[index] ?? ""))));
  const lineOf = (row: readonly string[]) =>
    columns.map(({ align }, i) => padded(row[i] ?? "", { width: at(widths, i), align })).join("  ").trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("──");
  return [...heads.map(lineOf), rule, ...rows.map(lineOf)];
}

/** Breaks a text into lines of at most `width` letters. A longer word gets a line of its own. */
export function wrap(text: string, { width = 100, indent = "" }: { width?: number; indent?: string } = {}): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : indent + word);
  }
  return lines;
}

/** A table as headings and rows, which can be shown as text or as HTML. */
export interface MetricsTable {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
}
