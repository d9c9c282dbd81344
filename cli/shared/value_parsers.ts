/** Kinds of values on the command line, with their completions. */
import type { Suggestion } from "@optique/core/parser";
import type { NonEmptyString } from "@optique/core/nonempty";
import { string, type ValueParser } from "@optique/core/valueparser";
import { ARCH_TYPES } from "../../core/config/mod.ts";
import { CORPORA } from "../../datasets/registry.ts";

/**
 * Names in the current folder. They are read before a completion, because a value parser cannot wait for the disk. Otherwise
 * they stay empty.
 */
export const known: { runs: readonly string[]; models: readonly string[]; keys: readonly string[] } = {
  runs: [],
  models: [],
  keys: [],
};

type Suggest = (prefix: string) => Iterable<Suggestion>;

const literal = (text: string): Suggestion => ({ kind: "literal", text });

const path = (type: "file" | "directory", prefix: string): Suggestion => ({
  kind: "file",
  type,
  pattern: prefix,
  includeHidden: false,
});

/** Suggests these words. */
const oneOf = (words: () => readonly string[]): Suggest => (prefix) =>
  words().filter((word) => word.startsWith(prefix)).map(literal);

/** Suggests a further word of a list with commas. */
const listOf = (words: () => readonly string[]): Suggest => (prefix) => {
  const start = prefix.lastIndexOf(",") + 1, before = prefix.slice(0, start).split(",");
  const rest = words().filter((word) => word.startsWith(prefix.slice(start)) && !before.includes(word));
  return rest.map((word) => literal(prefix.slice(0, start) + word));
};

const both = (...all: readonly Suggest[]): Suggest => (prefix) => all.flatMap((one) => [...one(prefix)]);

/** Files and folders, unless the word starts like a flag. */
const paths = (type: "file" | "directory"): Suggest => (prefix) => prefix.startsWith("-") ? [] : [path(type, prefix)];
const files = paths("file"), folders = paths("directory");

/** The completions for a value, by its name in the help. */
function suggestionsFor(metavar: string): Suggest | undefined {
  if (/^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(metavar)) return oneOf(() => metavar.split("|"));
  if (metavar === "FILE|NAME") return both(oneOf(() => CORPORA.map(({ name }) => name)), files);
  if (metavar === "FILE|bytes") return both(oneOf(() => ["bytes"]), files);
  if (metavar === "FILE" || metavar === "STUDY") return files;
  if (metavar === "DIR") return folders;
}

const withSuggestions = (metavar: NonEmptyString, suggest: Suggest | undefined): ValueParser<"sync", string> => ({
  ...string({ metavar }),
  ...(suggest && { suggest }),
});

/** A text. `auto|cpu`, `FILE` and `DIR` are completed. The command checks the value, with a better message. */
export const word = (metavar: NonEmptyString): ValueParser<"sync", string> =>
  withSuggestions(metavar, suggestionsFor(metavar));

/** A run directory. */
export const runName = (metavar: NonEmptyString = "RUN") =>
  withSuggestions(metavar, both(oneOf(() => known.runs), folders));

const models = () => known.models.length > 0 ? known.models : ARCH_TYPES;

/** The name of a model: of the run on the command line, or any that can be trained. */
export const modelName = (metavar: NonEmptyString = "NAME") => withSuggestions(metavar, oneOf(models));

/** Names of models with commas. */
export const modelNames = (metavar: NonEmptyString = "A,B") => withSuggestions(metavar, listOf(models));

/** KEY=VALUE of a study file. */
export const keyValue = (metavar: NonEmptyString = "KEY=VALUE") =>
  withSuggestions(metavar, oneOf(() => known.keys.map((key) => `${key}=`)));

/** The key of a study file. */
export const keyName = (metavar: NonEmptyString = "KEY") => withSuggestions(metavar, oneOf(() => known.keys));
