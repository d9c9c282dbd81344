/** The page of `hymba bench all`: what each part found, or why it found nothing. */
import type { PartFile, State, Table } from "../bench/all/mod.ts";
import { htmlTable, type Markup, markup, page } from "./document/html.ts";

/** What was asked for. */
interface Header {
  readonly program: string;
  readonly deno: string;
  readonly shape: string;
  readonly B: number;
  readonly T: number;
  readonly steps: number;
  readonly runs: number;
}

const MEANINGS: Readonly<Record<State, string>> = {
  running: "at work",
  done: "done",
  stopped: "stopped when its time was up",
  failed: "failed",
  absent: "nothing to measure",
};

/** Columns of words are on the left: those whose cells do not begin as a number does. */
const isText = (rows: Table["rows"], column: number): boolean =>
  rows.some((row) => !/^([-+\d.—∞]|$)/.test(row[column] ?? ""));

/** Rows of a table that are shown at once; all of a longer one are shown on demand. */
const SHOWN = 12;

function tableOf({ title, columns, rows, note }: Table): Markup {
  const head = columns.map((name, i) => ({ name, align: isText(rows, i) ? "left" as const : "right" as const }));
  const long = rows.length > SHOWN;
  return markup`<h3>${title}</h3>${htmlTable(head, long ? rows.slice(0, SHOWN) : rows, title)}${
    long && markup`<details><summary>All ${rows.length} rows</summary>${htmlTable(head, rows, title)}</details>`
  }${note !== undefined && markup`<p class="where">${note}</p>`}`;
}

function sectionOf({ part, state, message, tables }: PartFile): Markup {
  return markup`<h2 id="${part}">${part}</h2>
    ${state !== "done" && markup`<p class="${state === "failed" ? "warning" : "where"}">${MEANINGS[state]}</p>`}
    ${message !== undefined && markup`<pre>${message}</pre>`}
    ${tables.map(tableOf)}`;
}

/** The page, self-contained. All texts are escaped. */
export function benchPage({ program, deno, shape, B, T, steps, runs }: Header, parts: readonly PartFile[]): string {
  const rows = parts.map(({ part, state, seconds, limit_s, message }) => [
    markup`<a href="#${part}">${part}</a>`,
    MEANINGS[state],
    seconds.toFixed(1),
    limit_s.toFixed(0),
    message?.split("\n", 1)[0] ?? "",
  ]);
  const left = "left" as const;
  const columns = [
    { name: "part", align: left },
    { name: "state", align: left },
    { name: "time", unit: "s" },
    { name: "at most", unit: "s" },
    { name: "message", align: left },
  ];
  const all = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  return page("First measurements on a GPU", {
    lead:
      markup`Made by <code>hymba bench all</code>, hymba ${program}, Deno ${deno}. Shape ${shape}: ${B} sequences of ${T} tokens;
      trainings of ${steps} steps; best of ${runs} runs. All parts together took ${all.toFixed(0)} s.`,
    body: markup`${htmlTable(columns, rows, "Parts")}${parts.map(sectionOf)}`,
  });
}
