/** Answers a shell that asks how the last word of a command line may go on. */
import briefs from "./briefs.json" with { type: "json" };
import type { Suggestion } from "@optique/core/parser";
import { encoded, learnNames, suggestionsFor } from "./shared/completion.ts";
import { isShell } from "./shared/completion_words.ts";
import { COMMANDS, loadCommand } from "./tree.ts";
import { GLOBAL_FLAGS } from "./ui/settings.ts";

const BRIEFS: Readonly<Record<string, string>> = briefs;

const FLAGS = GLOBAL_FLAGS.flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? []).concat("--help-all");

/** Names of commands that begin with a word. */
function commandsLike(word: string): Suggestion[] {
  const names = [...COMMANDS, "help", ...(word.startsWith("-") ? FLAGS : [])];
  return names.filter((name) => name.startsWith(word)).map((name) => ({
    kind: "literal",
    text: name,
    ...(BRIEFS[name] && { description: [{ type: "text", text: BRIEFS[name] }] }),
  }));
}

/**
 * The answer to a question of a shell, as the shell reads it: zsh wants zeros between the parts. An unknown command has no answers.
 */
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
