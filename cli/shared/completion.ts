/** Completes words in a shell. The scripts and the protocols of the shells are those of the package that parses options. */
import { bash, fish, pwsh, type ShellCompletion, zsh } from "@optique/core/completion";
import { type Suggestion, suggestSync } from "@optique/core/parser";
import { systemDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { readRecord, runFolders, RUNS } from "../../core/record/mod.ts";
import { escaped } from "../ui/terminal.ts";
import { KEYS } from "../../core/study_file/mod.ts";
import type { Shell } from "./completion_words.ts";
import { known } from "./value_parsers.ts";

const GENERATORS: Readonly<Record<Shell, ShellCompletion>> = { bash, zsh, fish, pwsh, powershell: pwsh };

/** A script that completes the words of hymba: it calls `hymba completions SHELL` with the words. */
export const completionScript = (shell: Shell): string =>
  GENERATORS[shell].generateScript("hymba", ["completions", shell]);

/** What a shell shows for suggestions. */
export const encoded = (shell: Shell, suggestions: readonly Suggestion[]): string =>
  [...GENERATORS[shell].encodeSuggestions(suggestions)].join("");

/** Reads the names of runs, of the models of a run on the command line, and of the keys of a study. */
export async function learnNames(words: readonly string[]): Promise<void> {
  // Names with control characters are not suggested.
  known.runs = (await runFolders(systemDisk, RUNS)).filter((folder) => escaped(folder) === folder);
  known.keys = KEYS.map(({ path }) => path);
  for (const word of words) {
    const models = word.startsWith("-") ? [] : await modelsOf(word);
    if (models.length > 0) known.models = models;
  }
}

/** The models of a run. None if the folder has no readable run, because a completion cannot show an error. */
async function modelsOf(folder: string): Promise<string[]> {
  try {
    const { study } = await readRecord(systemDisk, folder);
    return study.arms.map(({ name }) => name);
  } catch (error) {
    if (error instanceof HymbaError) return [];
    throw error;
  }
}

type Parser = Parameters<typeof suggestSync>[0];

/** Suggestions for the last word of a command line. The flags of every command are added to those of the command. */
export function suggestionsFor(
  command: Parser,
  { words, flags }: { words: readonly [string, ...string[]]; flags: readonly string[] },
): Suggestion[] {
  const last = words.at(-1) ?? "", own = [...suggestSync(command, words)];
  const more = last.startsWith("-") ? flags.filter((flag) => flag.startsWith(last)) : [];
  return [...own, ...more.map((text): Suggestion => ({ kind: "literal", text }))];
}
