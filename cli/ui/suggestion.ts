/** Suggestions for mistyped options. The parser itself has suggestions for mistyped commands. */
import { extractCommandNames, extractOptionNames, type Usage } from "@optique/core/usage";
import { nearest } from "../../core/nearest.ts";

/** A part of a command tree, as the parser describes it. */
export interface Described {
  readonly usage: Usage;
}

const UNKNOWN = /Unexpected option or subcommand: [`"]?([^\s`"=]+)/;

/** The parser's error for a missing word. It does not list the possible words. */
const INCOMPLETE = /^Error: No matching (option or command|option, command, or argument|command) found\.$/;

/** Adds a suggestion to an error of the parser: a similar word, the list of possible words, or the help command. */
export function withSuggestion(
  text: string,
  { commands, words, presets }: {
    commands: readonly Described[];
    words: readonly string[];
    presets: readonly string[];
  },
): string {
  const given = commands.find(({ usage }) => usage[0]?.type === "command" && usage[0].name === words[0]);
  const inner = given ? [...extractCommandNames(given.usage)].filter((name) => name !== words[0]) : [];
  const known = given ? words.slice(0, inner.includes(words[1] ?? "") ? 2 : 1) : [];
  const prefix = ["hymba", ...known].join(" "), help = `${prefix} --help`;
  if (INCOMPLETE.test(text) && known.length === words.length) {
    const choices = given ? inner : commands.flatMap(({ usage }) => [...extractCommandNames(usage)].slice(0, 1));
    return `Error: ${prefix} needs a command: ${choices.join(", ")}\n\n${help} explains each.`;
  }
  const unknown = UNKNOWN.exec(text)?.[1];
  if (
    unknown && given && inner.length === 0 && presets.includes(unknown) &&
    extractOptionNames(given.usage).has("--preset")
  ) {
    return `${text}\n\nDid you mean \`--preset ${unknown}\`?`;
  }
  const candidates = given && (unknown?.startsWith("-") ? extractOptionNames : extractCommandNames)(given.usage);
  const meant = unknown && candidates && nearest(unknown, candidates);
  if (meant) return `${text}\n\nDid you mean \`${meant}\`?`;
  return text.includes("Did you mean") ? text : `${text}\n\n${help} shows the possible commands and options.`;
}
