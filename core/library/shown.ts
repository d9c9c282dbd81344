/** Tables and pictures that a notebook shows by themselves. */
import { UsageError } from "../errors.ts";
import { htmlTable } from "../report/document/html.ts";
import { fixed, significant } from "../report/format.ts";
import { tableLines } from "../report/text_table.ts";

/** By type of content: text as it is, pictures as Base64. */
export type MimeBundle = Readonly<Record<string, string>>;

/** Something that shows itself as the last value of a notebook's cell, and as text elsewhere. */
export class Shown {
  readonly #bundle: MimeBundle;
  /** The picture as PNG; undefined for a table. */
  readonly png: Uint8Array | undefined;

  /** Made by the functions that begin with `show`. @internal */
  constructor(bundle: MimeBundle, png?: Uint8Array) {
    this.#bundle = png ? { ...bundle, "image/png": png.toBase64() } : bundle;
    this.png = png;
  }

  /** How it looks, for Jupyter. */
  [Symbol.for("Jupyter.display")](): MimeBundle {
    return this.#bundle;
  }

  /** As plain text. */
  toString(): string {
    return this.#bundle["text/plain"] ?? "";
  }

  /** Writes the picture to a file. Throws UsageError for a table. */
  async save(path: string): Promise<void> {
    if (!this.png) throw new UsageError("a table is no picture", { hint: "print it with String(table)" });
    const { thisDisk, writeAtomic } = await import("../disk/mod.ts");
    await writeAtomic(thisDisk(), path, this.png);
  }
}

/** Deno's interface to Jupyter, in a notebook. */
interface Notebook {
  display(value: unknown): Promise<void>;
}

/** Deno's interface to Jupyter. Undefined outside of a notebook, where Deno throws. */
function notebook(): Notebook | undefined {
  const { Deno: host } = globalThis as { Deno?: { jupyter?: Notebook } };
  try {
    return host?.jupyter;
  } catch (error) {
    if (error instanceof Error && error.message.includes("only available in")) return undefined;
    throw error;
  }
}

/**
 * Shows a value in a notebook, and ends when it has been sent. The last value of a cell shows itself, too, but Deno's kernel may send
 * it after it has said that the cell has ended; nbconvert then leaves it out. Outside of a notebook this does nothing.
 */
export async function show(value: unknown): Promise<void> {
  const jupyter = notebook();
  if (!jupyter) return;
  await jupyter.display(value);
  // The kernel sends it on a thread of its own, which a cell of a millisecond would overtake.
  await new Promise((done) => setTimeout(done, 50));
}

/** A picture; `text` describes it. */
export const picture = (png: Uint8Array, text: string): Shown => new Shown({ "text/plain": text }, png);

/** A cell of a table. */
export type TableValue = string | number | boolean | null | undefined;

function shownValue(value: TableValue): string {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 0.01 && Math.abs(value) < 1e4 ? fixed(value, 4) : significant(value, 4);
}

/**
 * A table of objects, with a column for each of their keys. Columns of numbers are aligned to the right.
 *
 * @example
 * ```ts
 * import { showTable } from "@hymba/hymba/notebook";
 *
 * console.log(String(showTable([{ model: "mamba", loss: 1.5 }, { model: "hymba", loss: 1.25 }])));
 * ```
 */
export function showTable(
  rows: readonly Readonly<Record<string, TableValue>>[],
  { title = "" }: { title?: string } = {},
): Shown {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name) => ({
    name,
    align: rows.some((row) => typeof row[name] === "string") ? "left" as const : "right" as const,
  }));
  const cells = rows.map((row) => names.map((name) => shownValue(row[name])));
  return tableOf(columns, cells, title);
}

/** A table of cells that are text already. */
export function tableOf(
  columns: readonly { name: string; unit?: string; align?: "left" | "right" }[],
  cells: readonly (readonly string[])[],
  title: string,
): Shown {
  const heading = title === "" ? [] : [title];
  if (columns.length === 0) return new Shown({ "text/plain": [...heading, "(no rows)"].join("\n") });
  return new Shown({
    "text/plain": [...heading, ...tableLines(columns, cells)].join("\n"),
    "text/html": htmlTable(columns, cells, title || "Table").text,
  });
}
