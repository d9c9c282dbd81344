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
export const widthOf = (text: string) => [...SEGMENTS.segment(text)].length;

function padded(text: string, { width, align = "right" }: { width: number; align?: Column["align"] }): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + space : space + text;
}

/** Spaces between columns. */
const GAP = 2;

/**
 * The columns of a table in groups that fit into `width`. Each group starts with the first column, so a table that is too wide
 * becomes several tables, one below the other. Undefined if even two columns are too wide.
 */
export function columnGroups(widths: readonly number[], width: number): number[][] | undefined {
  const groups: number[][] = [[0]];
  let used = at(widths, 0);
  for (let i = 1; i < widths.length; i++) {
    const own = GAP + at(widths, i);
    if (used + own > width && (groups.at(-1)?.length ?? 0) > 1) {
      groups.push([0]);
      used = at(widths, 0);
    }
    used += own;
    if (used > width) return undefined;
    groups.at(-1)?.push(i);
  }
  return groups;
}

/** For a width that is too small for two columns: each row becomes a paragraph with lines per cell. */
export function recordLines(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { columns = Infinity }: { columns?: number } = {},
): string[] {
  const width = Math.max(0, ...heads.slice(1).map(widthOf));
  return rows.flatMap(([first = "", ...cells]) => [
    first,
    ...cells.flatMap((cell, i) => {
      const head = padded(heads[i + 1] ?? "", { width, align: "left" });
      const [begin = "", ...more] = wrap(cell, { width: Math.max(16, columns - width - 4) });
      return cell === "" ? [] : [`  ${head}  ${begin}`, ...more.map((line) => " ".repeat(width + 4) + line)];
    }),
  ]);
}

/**
 * The lines of a table: headings, units if any column has one, a rule, the rows. Missing cells are empty. A table wider than
 * `width` is folded: see {@link columnGroups} and {@link recordLines}.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width = Infinity }: { width?: number } = {},
): string[] {
  const all = [columns.map(({ name }) => name), columns.map(({ unit }) => unit ?? ""), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => widthOf(row[index] ?? ""))));
  const groups = columnGroups(widths, width);
  if (!groups) {
    return recordLines(columns.map(({ name, unit }) => unit ? `${name} (${unit})` : name), rows, { columns: width });
  }
  const pick = <T>(list: readonly T[], group: readonly number[]) => group.flatMap((i) => list.slice(i, i + 1));
  return groups.flatMap((group, i) => {
    const own = rows.map((row) => group.map((index) => row[index] ?? ""));
    return [...(i > 0 ? [""] : []), ...oneTable(pick(columns, group), own)];
  });
}

function oneTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
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
