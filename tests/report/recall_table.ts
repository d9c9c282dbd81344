/**
 * The table of recall in docs/recall.md: `deno run -A tests/report/recall_table.ts` writes it between `<!-- recall -->` and
 * `<!-- end -->`, from the folders below results/recall/grid. A test compares them.
 */
const ROOT = new URL("../../", import.meta.url);
export const DOCUMENT = new URL("docs/recall.md", ROOT);
const GRID = new URL("results/recall/grid/", ROOT);

/** One model on one task: the rows of its recall.csv, and the size of task and model from the folder's name. */
interface Cell {
  readonly pairs: number;
  readonly width: number;
  readonly state: number;
  readonly model: string;
  readonly rows: readonly Record<string, string>[];
}

async function cellOf(folder: string): Promise<Cell> {
  const found = /^p(\d+)-d(\d+)-n(\d+)-([\w-]+)$/.exec(folder);
  if (!found) throw new Error(`${folder} is not the folder of a cell`);
  const [, pairs, width, state, model = ""] = found;
  const [head = "", ...lines] = (await Deno.readTextFile(new URL(`${folder}/recall.csv`, GRID))).trim().split("\n");
  const names = head.split(",");
  const rows = lines.map((line) => Object.fromEntries(line.split(",").map((cell, i) => [names[i] ?? "", cell])));
  return { pairs: Number(pairs), width: Number(width), state: Number(state), model, rows };
}

/** Folders of cells: fewest pairs first, then the narrowest models, then by name and size of state. */
async function cells(): Promise<Cell[]> {
  const names = (await Array.fromAsync(Deno.readDir(GRID))).map(({ name }) => name);
  return (await Promise.all(names.map(cellOf))).toSorted((a, b) =>
    a.pairs - b.pairs || a.width - b.width || a.model.localeCompare(b.model) || a.state - b.state
  );
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
/** Least and largest value of several seeds. */
const range = (numbers: readonly number[], write: (x: number) => string): string => {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)].map(write);
  return low === high ? `${low}` : `${low} to ${high}`;
};

function rowOf({ pairs, width, state, model, rows }: Cell): string[] {
  const seeds = [...Map.groupBy(rows, (row) => row["seed"]).values()];
  const accuracy = seeds.map((own) => mean(own.map((row) => Number(row["accuracy"]))));
  const farthest = seeds.map((own) => Number(own.at(-1)?.["accuracy"]));
  const to90 = seeds.map((own) => own[0]?.["steps_to_90"] ?? "");
  const [first] = rows;
  return [
    `${pairs}`,
    `${width}`,
    `\`${model}\``,
    model.startsWith("transformer") ? "–" : `${state}`,
    first?.["carried_bytes"] ?? "",
    first?.["rate"] ?? "",
    range(accuracy, percent),
    range(farthest, percent),
    `${accuracy.filter((share) => share >= 0.9).length} of ${seeds.length}`,
    to90.map((steps) => steps || "never").join(", "),
    seeds.map((own) => own[0]?.["steps"]).join(", "),
  ];
}

const HEAD = [
  "pairs",
  "width",
  "model",
  "state N",
  "bytes carried",
  "rate",
  "right answers",
  "at the largest distance",
];
const LAST = ["seeds that solve it", "updates to 90 %", "updates until the plateau"];

/** The table in Markdown. */
export async function recallTable(): Promise<string> {
  const head = [...HEAD, ...LAST], rows = (await cells()).map(rowOf);
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The document with the table in its place. */
export const withRecallTable = (text: string, table: string): string =>
  text.replace(/(<!-- recall -->\n)[^]*?(<!-- end -->)/, (_, start: string, end: string) => `${start}${table}\n${end}`);

if (import.meta.main) {
  await Deno.writeTextFile(DOCUMENT, withRecallTable(await Deno.readTextFile(DOCUMENT), await recallTable()));
}
