/** Tables in documents. */

/** A table in Markdown: its head, then its rows. */
export const lines = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
