/** Turns the parser's errors into errors of this program: what is wrong, and what to do. */
import { formatMessage, type Message } from "@optique/core/message";
import { extractCommandNames, extractOptionNames, type Usage } from "@optique/core/usage";
import { UsageError } from "../../core/errors.ts";
import { meantHint, nearest } from "../../core/nearest.ts";
import { commandHint, flagHint } from "./other_names.ts";
import { GLOBAL_FLAGS } from "./settings.ts";

/** A part of a command tree, as the parser describes it. */
export interface Described {
  readonly usage: Usage;
}

/** The parser's errors for a word that it does not know, and for a missing word. */
const UNKNOWN = /^Unexpected option or (?:subcommand|argument): ["`]?([^\s`"=]+)/;
const INCOMPLETE =
  /^No matching (?:option or command|option, command, or argument|command or argument|command) found\.$/;
const MISSING_ARGUMENT =
  /^(?:Missing required argument|Expected an? .*, but got end of input|Expected at least \d+ values?.*)\.?$/;

const ALL_FLAGS = GLOBAL_FLAGS.flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? []);

/** The error for a command that does not exist. */
export function unknownCommand(word: string, names: readonly string[]): UsageError {
  const meant = nearest(word, names), hint = commandHint(word);
  return new UsageError(`there is no command ${JSON.stringify(word)}`, {
    hint: hint ?? (meant ? `did you mean hymba ${meant}?` : "hymba --help lists the commands"),
  });
}

/** The error for a command of a group that is not named or does not exist, such as hymba plot. */
function innerCommand(
  name: string,
  { word, names }: { word: string | undefined; names: readonly string[] },
): UsageError {
  if (word === undefined) {
    return new UsageError(`${name} needs a command`, {
      expected: names.join(", "),
      hint: `hymba ${name} --help explains each`,
    });
  }
  const meant = nearest(word, names);
  return new UsageError(`${name} has no command ${JSON.stringify(word)}`, {
    expected: names.join(", "),
    hint: meant ? `did you mean hymba ${name} ${meant}?` : `hymba ${name} --help explains each`,
  });
}

/** The error for an unknown option or an extra word. */
function unknownWord(word: string, { name, command, presets }: {
  name: string;
  command: Described;
  presets: readonly string[];
}): UsageError {
  const known = new Set<string>(extractOptionNames(command.usage)), help = `hymba ${name} --help-all lists its options`;
  if (!word.startsWith("-")) {
    const hint = presets.includes(word) && known.has("--preset") ? `did you mean --preset ${word}?` : help;
    return new UsageError(`${name} does not take ${JSON.stringify(word)}`, { hint });
  }
  const meant = flagHint(word, known) ?? nearest(word, [...known, ...ALL_FLAGS].filter((name) => name !== word));
  const hint = meant === undefined ? help : meant.startsWith("-") ? `did you mean ${meant}?` : meant;
  return new UsageError(`${name} has no option ${word}`, { hint });
}

/** The whole error of a command line that the parser refused. `words`: the command line; `command`: of its first word. */
export function parseError(
  error: Message,
  { command, words, presets }: { command: Described; words: readonly string[]; presets: readonly string[] },
): UsageError {
  const text = formatMessage(error, { colors: false, quotes: true });
  const inner = [...extractCommandNames(command.usage)].filter((name) => name !== words[0]);
  const deep = inner.length > 0 && inner.includes(words[1] ?? "");
  const name = words.slice(0, deep ? 2 : 1).join(" ");
  if (inner.length > 0 && !deep) {
    return innerCommand(name, { word: words[1]?.startsWith("-") ? undefined : words[1], names: inner });
  }
  const unknown = UNKNOWN.exec(text)?.[1];
  if (unknown) {
    return unknownWord(unknown, { name, command: deep ? ofInner(command, words[1] ?? "") : command, presets });
  }
  if (INCOMPLETE.test(text) || MISSING_ARGUMENT.test(text)) {
    return new UsageError(`${name} needs more words`, { hint: `hymba ${name} --help shows the usage` });
  }
  return valueError(text, name);
}

/** `--preset: Expected one of "smoke" and "quick", but got "smok"`, with the name of the option or argument. */
const WRONG_VALUE =
  /^[`"]?([\w-]+)[`"]?: Expected (?:one of )?(?:an? )?([^]*?),? but got ["`]?([^"`\n]*)["`]?\.?(?:\n[^]*)?$/;
const NO_VALUE = /^[`"]?(-[\w-]+)[`"]? requires (?:a value|[`"]?([^`"]+)[`"]?)\.?$/;
const NO_OPTION = /^Missing option [`"]?(-[\w-]+)[`"]?\.?$/;
const NO_ARGUMENT = /^Expected an? [`"]?([^`"]+)[`"]?, but too few arguments\.?$/;

/** The error for a wrong or missing value. */
function valueError(text: string, name: string): UsageError {
  const hint = `hymba ${name} --help shows the usage`;
  const [, option, allowed = "", got = ""] = WRONG_VALUE.exec(text) ?? [];
  if (option !== undefined) {
    const choices = [...allowed.matchAll(/"([^"]*)"/g)].map(([, choice = ""]) => choice);
    const expected = choices.length > 0 ? choices.join(", ") : allowed;
    return new UsageError(`${option} ${JSON.stringify(got)}`, { expected, hint: meantHint(got, choices) ?? hint });
  }
  const [, without, metavar] = NO_VALUE.exec(text) ?? [], missing = NO_OPTION.exec(text)?.[1];
  if (without !== undefined) {
    return new UsageError(`${without} needs a value${metavar ? `: ${metavar}` : ""}`, { hint });
  }
  const argument = NO_ARGUMENT.exec(text)?.[1];
  if (missing ?? argument) return new UsageError(`${name} needs ${missing ?? argument}`, { hint });
  return new UsageError((text.split("\n", 1)[0] ?? "").replace(/\.$/, ""), { hint });
}

/** The usage of one command of a group. */
function ofInner({ usage }: Described, name: string): Described {
  const found = search(usage, name);
  return found ? { usage: found } : { usage };
}

function search(usage: Usage, name: string): Usage | undefined {
  for (const [i, term] of usage.entries()) {
    if (term.type === "command" && term.name === name) return usage.slice(i);
    const groups = term.type === "exclusive" ? term.terms : "terms" in term ? [term.terms] : [];
    for (const group of groups) {
      const found = search(group as Usage, name);
      if (found) return found;
    }
  }
}
