/** The help: one screen for a command, everything with --help-all, and the files that are made from it. */
import assert from "node:assert/strict";
import { getDocPage } from "@optique/core/parser";
import { programHelp } from "../../cli/front.ts";
import { pageOf } from "../../cli/parse.ts";
import { SCREEN } from "../../cli/ui/help_page.ts";
import { readRequest } from "../../cli/ui/settings.ts";
import { UsageError } from "../../core/errors.ts";
import { briefsText, commandsByName, commandsText, innerNames } from "../commands.ts";
import { hymba, makePlace } from "./command_line.ts";

const commands = await commandsByName();
/** The words of every command, and of every command of a group. */
const paths = commands.flatMap(([name, command]) =>
  [[name], ...innerNames(name, command).map((inner) => [name, inner])].map((words) => ({ command, words }))
);

Deno.test("help: the page of every command fits a screen of 24 lines and 80 columns, and has an example of it", () => {
  assert.ok(paths.length > 50);
  for (const { command, words } of paths) {
    const page = pageOf(command, words, { all: false, columns: SCREEN.columns, color: false }),
      lines = page.split("\n");
    assert.ok(lines.length <= SCREEN.lines, `${words.join(" ")}: ${lines.length} lines\n${page}`);
    for (const line of lines) assert.ok(line.length <= SCREEN.columns, `${words.join(" ")}: ${line}`);
    const narrow = pageOf(command, words, { all: false, columns: 40, color: false }).split("\n");
    for (const line of narrow) assert.ok(line.length <= 40 || !/\S \S/.test(line), `${words.join(" ")}: ${line}`);
    assert.match(lines[0]!, new RegExp(`^hymba ${words.join(" ")}\\b`));
    assert.match(page, new RegExp(`Example: hymba ${words[0]}\\b`), words.join(" "));
  }
});

Deno.test("help: every option is on the page of its command, or is named there and explained by --help-all", () => {
  for (const { command, words } of paths) {
    const options = (getDocPage(command, words)?.sections ?? []).flatMap(({ entries }) =>
      entries.flatMap(({ term }) => term.type === "option" ? [term.names[0]!] : [])
    );
    for (const all of [false, true]) {
      const page = pageOf(command, words, { all, columns: SCREEN.columns, color: false });
      for (const name of options) assert.ok(page.includes(name), `${words.join(" ")} ${name}`);
    }
  }
});

Deno.test("help: that of the program fits a screen and names every command", () => {
  for (const columns of [40, 80]) {
    const page = programHelp({ all: false, columns, color: false });
    if (columns === 80) assert.ok(page.split("\n").length <= SCREEN.lines, page);
    for (const line of page.split("\n")) assert.ok(line.length <= columns, line);
    for (const [name] of commands) assert.match(page, new RegExp(`\\b${name}\\b`));
  }
});

Deno.test("help: -h, --help and the command help print one page; the pages have no colours in a pipe", async () => {
  const place = await makePlace();
  const [page, ...others] = await Promise.all(
    [["plot", "-h"], ["plot", "--help"], ["help", "plot"], ["-h", "plot"]].map((words) => hymba(place, ...words)),
  );
  assert.match(page!.out, /^hymba plot COMMAND\n/);
  for (const other of others) assert.deepEqual(other, page);
  const [program, short, coloured] = await Promise.all(
    [["--help"], ["-h"], ["--color", "always", "-h"]].map((words) => hymba(place, ...words)),
  );
  assert.deepEqual(short, program);
  assert.ok(!(program!.out + page!.out).includes("\x1b"));
  assert.equal(program!.code, 0);
  const { out } = await hymba(place, "plot", "-h", "--color=always");
  assert.ok(out.includes("\x1b[1mCommands:\x1b[0m"));
  assert.equal(coloured!.code, 0);
});

Deno.test("flags of every command are taken out of a command line, except behind -- and in values", () => {
  const { words, settings, help } = readRequest([
    "generate",
    "--quiet",
    "run",
    "--prompt=-h",
    "--color=never",
    "--",
    "-h",
  ]);
  assert.deepEqual(words, ["generate", "run", "--prompt=-h", "--", "-h"]);
  assert.deepEqual(settings, {
    quiet: true,
    verbose: false,
    progress: false,
    color: "never",
    json: false,
    command: "generate",
  });
  assert.equal(help, undefined);
  assert.equal(readRequest(["ablate", "--help-all", "-h"]).help, "all");
  assert.equal(readRequest(["ablate", "--no-progress", "--json"]).settings.progress, false);
  assert.equal(readRequest(["ablate", "--json"]).settings.json, true);
  for (const wrong of [["--color", "blue"], ["--color"], ["-q", "-v"]]) {
    assert.throws(() => readRequest(wrong), UsageError);
  }
});

const made = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test("cli/briefs.json and docs/help.md are those of the commands: deno run -A tests/commands.ts writes them", async () => {
  assert.equal(await made("cli/briefs.json"), await briefsText());
  assert.equal(await made("docs/help.md"), await commandsText());
});
