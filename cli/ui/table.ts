/** Tables of text for the terminal. A table that is too wide is folded. */
import { at } from "../../core/lists.ts";
import { type Column, columnGroups, recordLines, tableLines, widthOf, wrap } from "../../core/report/text_table.ts";
import { outputColumns } from "./terminal.ts";

type Rows = readonly (readonly string[])[];

const widthsOf = (rows: Rows): number[] =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));

const spaces = (cell: string, width: number) => " ".repeat(Math.max(0, width - widthOf(cell)));

/** The lines of one table that fits. */
function lines(rows: Rows, widths: readonly number[]): string[] {
  const padded = (cell: string, column: number) => {
    const space = spaces(cell, at(widths, column));
    return column === 0 ? cell + space : space + cell;
  };
  const [head = "", ...rest] = rows.map((row) => row.map(padded).join("  ").trimEnd());
  return [head, widths.map((width) => "-".repeat(width)).join("  "), ...rest];
}

/**
 * A table whose first row is the heading. The first column is aligned to the left, the others to the right. A table wider than
 * `width` is folded into several, each with the first column, or into a paragraph for each row.
 */
export function table(rows: Rows, { width = outputColumns() }: { width?: number } = {}): string {
  const widths = widthsOf(rows), groups = columnGroups(widths, width);
  if (!groups) return recordLines(rows[0] ?? [], rows.slice(1), { columns: width }).join("\n");
  return groups.map((group) => {
    const own = rows.map((row) => group.map((column) => row[column] ?? ""));
    return lines(own, group.map((column) => at(widths, column))).join("\n");
  }).join("\n\n");
}

/** A table of a report with the text below it, folded to the width of the terminal. */
export function reportText(
  { columns, rows }: { columns: readonly Column[]; rows: Rows },
  notes: readonly string[],
  { width = outputColumns() }: { width?: number } = {},
): string {
  return [...tableLines(columns, rows, { width }), "", ...notes.flatMap((note) => paragraph(note, { width }))].join(
    "\n",
  );
}

/** A text in lines that fit the terminal, of at most 100 letters. */
export const paragraph = (text: string, { width = outputColumns() }: { width?: number } = {}): string[] =>
  wrap(text, { width: Math.min(100, width) });

/** Columns without a heading, all aligned to the left. The last column is wrapped if it does not fit. */
export function columns(rows: Rows, { width = outputColumns() }: { width?: number } = {}): string {
  const widths = widthsOf(rows);
  return rows.map((row) => row.map((cell, i) => cell + spaces(cell, at(widths, i))).join("  ").trimEnd()).flatMap(
    (line) => widthOf(line) <= width ? [line] : wrap(line, { width, indent: "    " }),
  ).join("\n");
}
