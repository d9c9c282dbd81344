/** Suggestions for mistyped options; mistyped commands get theirs from the parser. */
import { extractCommandNames, extractOptionNames, type Usage } from "@optique/core/usage";
import { nearest } from "../../core/nearest.ts";

/** A part of a command tree, as the parser describes it. */
export interface Described {
  readonly usage: Usage;
}

const UNKNOWN = /Unexpected option or subcommand: [`"]?([^\s`"=]+)/;

/** A word is missing, and the parser says so without naming those that would do. */
const INCOMPLETE = /^Error: No matching (option or command|option, command, or argument|command) found\.$/;

/** Adds to the parser's words what may have been meant, or what there is. */
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
  const named = given ? [words[0]!, ...inner.filter((name) => name === words[1])] : [];
  const help = ["hymba", ...named, "--help"].join(" ");
  if (INCOMPLETE.test(text) && named.length === words.length) {
    const there = given ? inner : commands.flatMap(({ usage }) => [...extractCommandNames(usage)].slice(0, 1));
    return `Error: ${["hymba", ...named].join(" ")} needs to know what to do: ${
      there.join(", ")
    }\n\n${help} explains each.`;
  }
  const unknown = UNKNOWN.exec(text)?.[1];
  if (
    unknown && given && inner.length === 0 && presets.includes(unknown) &&
    extractOptionNames(given.usage).has("--preset")
  ) {
    return `${text}\n\nDid you mean \`--preset ${unknown}\`?`;
  }
  const known = given && (unknown?.startsWith("-") ? extractOptionNames : extractCommandNames)(given.usage);
  const meant = unknown && known && nearest(unknown, known);
  if (meant) return `${text}\n\nDid you mean \`${meant}\`?`;
  return text.includes("Did you mean") ? text : `${text}\n\n${help} shows what there is.`;
}
