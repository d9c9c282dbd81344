/**
 * Files that are made from the commands: `cli/briefs.json` (what each is for, in a few words) and `docs/help.md` (the help of
 * all). Run it after a change of a command or of its help: deno run -A tests/commands.ts
 */
import { getDocPage } from "@optique/core/parser";
import { formatMessage } from "@optique/core/message";
import { at } from "../core/lists.ts";
import { programHelp } from "../cli/front.ts";
import { pageOf } from "../cli/parse.ts";
import { type Command, COMMANDS, loadCommands } from "../cli/tree.ts";

const ROOT = new URL("../", import.meta.url);

/** Commands by name. */
export async function commandsByName(): Promise<[name: string, command: Command][]> {
  const commands = await loadCommands();
  return COMMANDS.map((name, i) => [name, at(commands, i)]);
}

function briefOf(name: string, command: Command): string {
  const brief = getDocPage(command, [name])?.brief;
  return brief ? formatMessage(brief, { colors: false, quotes: false }) : "";
}

/** Names of the commands inside a command: those of `plot`, `bench` and others. */
export function innerNames(name: string, command: Command): string[] {
  const terms = getDocPage(command, [name])?.sections.flatMap(({ entries }) => entries.map(({ term }) => term)) ?? [];
  return terms.flatMap((term) => term.type === "command" ? [term.name] : []);
}

/** What cli/briefs.json has to be. */
export async function briefsText(): Promise<string> {
  const all = (await commandsByName()).map(([name, command]) => [name, briefOf(name, command)]);
  return `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`;
}

const HEAD = `# The help of the commands

The help of every command, as \`hymba COMMAND --help-all\` prints it. This page is made by \`tests/commands.ts\`.

Exit codes: 0 when it was done, 1 when it failed or found something wrong, 2 when the command line was wrong or named something that
is not there, 130 after a second Ctrl-C. With \`--json\` a command prints one JSON object on standard output, also when it fails;
[json.md](json.md) describes it.
`;

/** What docs/help.md has to be. */
export async function commandsText(): Promise<string> {
  const block = (text: string) => `\`\`\`\n${text}\n\`\`\`\n`, options = { all: true, columns: 100, color: false };
  const parts = [HEAD, block(programHelp(options))];
  for (const [name, command] of await commandsByName()) {
    parts.push(`## ${name}\n`, block(pageOf(command, [name], options)));
    for (const inner of innerNames(name, command)) {
      parts.push(`### ${name} ${inner}\n`, block(pageOf(command, [name, inner], options)));
    }
  }
  return parts.join("\n");
}

if (import.meta.main) {
  // The second file shows what is in the first.
  await Deno.writeTextFile(new URL("cli/briefs.json", ROOT), await briefsText());
  const { code } = Deno.args.includes("--docs")
    ? { code: (await Deno.writeTextFile(new URL("docs/help.md", ROOT), await commandsText()), 0) }
    : await new Deno.Command(Deno.execPath(), { args: ["run", "-A", import.meta.url, "--docs"] }).spawn().status;
  Deno.exit(code);
}
