/** Tables of text cells for the terminal. */
type Rows = readonly (readonly string[])[];

const widthsOf = (rows: Rows): number[] =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));

/** A table whose first row is the heading. The first column is aligned to the left, the others to the right. */
export function table(rows: Rows): string {
  const widths = widthsOf(rows);
  const padded = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const [head, ...lines] = rows.map((row) => row.map(padded).join("  ").trimEnd());
  return [head, widths.map((width) => "-".repeat(width)).join("  "), ...lines].join("\n");
}

/** Columns that are all aligned to the left, without a heading. */
export function columns(rows: Rows): string {
  const widths = widthsOf(rows);
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}
