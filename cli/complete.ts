/** Answers a shell that asks for completions of the last word. */
import briefs from "./briefs.json" with { type: "json" };
import type { Suggestion } from "@optique/core/parser";
import { encoded, learnNames, suggestionsFor } from "./shared/completion.ts";
import { isShell } from "./shared/completion_words.ts";
import { COMMANDS, loadCommand } from "./tree.ts";
import { GLOBAL_FLAGS } from "./ui/settings.ts";

const BRIEFS: Readonly<Record<string, string>> = briefs;

const FLAGS = GLOBAL_FLAGS.flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? []).concat("--help-all");

/** Completions of the name of a command. */
function commandsLike(word: string): Suggestion[] {
  const names = [...COMMANDS, "help", ...(word.startsWith("-") ? FLAGS : [])];
  return names.filter((name) => name.startsWith(word)).map((name) => ({
    kind: "literal",
    text: name,
    ...(BRIEFS[name] && { description: [{ type: "text", text: BRIEFS[name] }] }),
  }));
}

/** The completions in the format of the shell: zsh separates the parts by zero bytes. An unknown command has none. */
export async function answer([, shell, ...all]: readonly string[]): Promise<string> {
  if (!isShell(shell)) return "";
  const last = all.at(-1) ?? "", before = all.slice(0, -1).filter((word) => !FLAGS.includes(word));
  const words = [...before, last],
    [name = "", ...rest] = words[0] === "help" && words.length > 1 ? words.slice(1) : words;
  if (rest.length === 0) return encoded(shell, commandsLike(name));
  const command = await loadCommand(name);
  if (!command) return "";
  await learnNames(rest);
  return encoded(shell, suggestionsFor(command, { words: [name, ...rest], flags: FLAGS }));
}
