/**
 * The table of the five models at three widths in results/README.md: `deno run -A tests/report/widths_table.ts` writes it between
 * `<!-- widths -->` and `<!-- end -->`, from the files of the studies. A test compares them.
 */
const ROOT = new URL("../../", import.meta.url);
export const DOCUMENT = new URL("results/README.md", ROOT);

/** Width D and the folder of the study. */
const STUDIES: readonly (readonly [width: number, folder: string])[] = [
  [32, "arms-tuned-32"],
  [64, "arms-tuned"],
  [96, "arms-tuned-96"],
];
const MODELS = ["mamba", "hybrid-sequential", "hymba", "transformer-local", "transformer-global"];
/** Tokens of an update: 8 sequences of 96. */
const TOKENS = 768;

const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

async function tableOf(path: string): Promise<Record<string, string>[]> {
  const [head = "", ...rows] = (await read(path)).trim().split("\n"), names = head.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((cell, i) => [names[i] ?? "", cell])));
}

function cellOf(row: Record<string, string> | undefined): string {
  if (!row) throw new Error("a model or length is missing");
  if (!row["low"]) return "lowest";
  const [above, low, high] = ["above_best_nats", "low", "high"].map((name) => Number(row[name]).toFixed(3));
  return `${above} (${low} to ${high})`;
}

/** The rows of one study: its rates, then the distance to the lowest model at each length. */
async function rowsOf(width: number, folder: string): Promise<string[][]> {
  const costs = (await tableOf(`results/${folder}/equal_costs.csv`)).filter((row) => row["axis"] === "tokens");
  const { choices } = JSON.parse(await read(`results/${folder}/sweep.json`)) as {
    choices: readonly { arm: string; point: Record<string, number> }[];
  };
  const rates = MODELS.map((model) => `${choices.find(({ arm }) => arm === model)?.point["pretraining.rate"]}`);
  const lengths = [...new Set(costs.map((row) => Number(row["cost"])))].sort((a, b) => a - b);
  return [
    [`${width}`, "rate", ...rates],
    ...lengths.map((tokens) => [
      "",
      `${tokens / TOKENS}`,
      ...MODELS.map((model) => cellOf(costs.find((row) => row["model"] === model && Number(row["cost"]) === tokens))),
    ]),
  ];
}

/** The table in Markdown. */
export async function widthsTable(): Promise<string> {
  const head = ["width", "updates", ...MODELS.map((model) => `\`${model}\``)];
  const rows = (await Promise.all(STUDIES.map(([width, folder]) => rowsOf(width, folder)))).flat();
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The document with the table in its place. */
export const withTable = (text: string, table: string): string =>
  text.replace(/(<!-- widths -->\n)[^]*?(<!-- end -->)/, (_, start: string, end: string) => `${start}${table}\n${end}`);

if (import.meta.main) {
  await Deno.writeTextFile(DOCUMENT, withTable(await Deno.readTextFile(DOCUMENT), await widthsTable()));
}
