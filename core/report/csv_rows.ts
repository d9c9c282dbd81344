/** Reads a table of CSV back. */

/** The cells of a CSV of RFC 4180, row by row; every line ends with a line feed. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [], cell = "", quoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charAt(i);
    if (letter === '"' && quoted && text[i + 1] === '"') cell += text.charAt(++i);
    else if (letter === '"') quoted = !quoted;
    else if (quoted || (letter !== "," && letter !== "\n")) cell += letter;
    else {
      row.push(cell);
      cell = "";
      if (letter === "\n") {
        rows.push(row);
        row = [];
      }
    }
  }
  return rows;
}

/** The same by the names of the first row. Cells without a name are left out. */
export function csvRecords(text: string): Map<string, string>[] {
  const [head = [], ...rows] = csvRows(text.replaceAll("\r\n", "\n"));
  return rows.map((row) => new Map(head.map((name, i) => [name, row[i] ?? ""])));
}
