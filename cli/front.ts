/** The help of the program. The descriptions are read from a file, because loading every command would take half a second. */
import { wrap } from "../core/report/text_table.ts";
import briefs from "./briefs.json" with { type: "json" };
import { bold, hasColor, printStyled } from "./ui/color.ts";
import { GLOBAL_FLAGS } from "./ui/settings.ts";
import { pageColumns } from "./ui/terminal.ts";

/** A short description of each command. `tests/commands.ts` makes the file from the commands. */
const BRIEFS: Readonly<Record<string, string>> = briefs, COMMANDS = Object.keys(BRIEFS);

/** The most used commands. The page describes them. */
const FIRST = ["ablate", "runs", "watch", "compare", "report", "generate", "init", "doctor"];

/** All other commands by purpose. A command without a group is put into the last one. */
const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["studies", ["sweep", "blame", "estimate", "config", "cells", "submit", "array", "merge", "clean"]],
  ["one model", ["pretrain", "orpo", "evaluate", "tokenizer", "recall", "preference", "export", "import"]],
  ["results", [
    "serve",
    "csv",
    "metrics",
    "plot",
    "samples",
    "attention",
    "slices",
    "lesion",
    "power",
    "architecture",
    "review",
  ]],
  ["checks", ["verify", "causality", "golden"]],
  ["this machine", ["bench", "tune", "completions"]],
];

const TITLE = "A laboratory for attention and Mamba in one language model.";

/** The help of the program. With `all` every command is described. */
export function programHelp({ all, columns, color }: { all: boolean; columns: number; color: boolean }): string {
  const width = Math.max(...COMMANDS.map((name) => name.length));
  const meaning = (name: string) => {
    const text = BRIEFS[name] ?? "", room = Math.max(20, columns - width - 4);
    const lines = wrap(text, { width: room });
    return lines.map((line, i) => `  ${(i === 0 ? name : "").padEnd(width)}  ${line}`.trimEnd());
  };
  const head = [...wrap(TITLE, { width: columns }), "", "Usage: hymba COMMAND [OPTIONS]", ""];
  const flags = GLOBAL_FLAGS.map(([flags, meaning]) => `  ${flags.padEnd(16)}  ${meaning}`);
  if (all) return [...head, bold("Commands:", color), ...COMMANDS.flatMap(meaning), "", ...flags].join("\n");
  return [
    ...head,
    ...FIRST.filter((name) => COMMANDS.includes(name)).flatMap(meaning),
    "",
    ...grouped().flatMap(([title, names]) => wrap(`${title}: ${names.join(" ")}`, { width: columns, indent: "  " })),
    "",
    ...wrap(
      "hymba COMMAND --help explains a command, --help-all every option of it. hymba without a command suggests what to do next.",
      {
        width: columns,
      },
    ),
  ].join("\n");
}

/** Prints the help of the program. */
export const printProgramHelp = ({ all }: { all: boolean }): void =>
  printStyled(programHelp({ all, columns: pageColumns(), color: hasColor(Deno.stdout) }), Deno.stdout);

/** The groups with the commands that exist. */
function grouped(): [string, string[]][] {
  const named = new Set([...FIRST, ...GROUPS.flatMap(([, names]) => names)]);
  const others = COMMANDS.filter((name) => !named.has(name));
  const groups = GROUPS.map(([title, names], i): [string, string[]] => {
    const own = names.filter((name) => COMMANDS.includes(name));
    return [title, i === GROUPS.length - 1 ? [...own, ...others] : own];
  });
  return groups.filter(([, names]) => names.length > 0);
}
