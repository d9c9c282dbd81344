/**
 * Regular expressions of a `tokenizer.json`. They are Oniguruma's, as in Hugging Face's library: `\\d`, `\\w`, `\\s`, `.`, `$`
 * and `&&` differ from JavaScript's. The package `oniguruma-to-es` translates them; it is loaded only for a file that needs it.
 */
import { manyForOne, othersOf } from "./case_folds.ts";

/** Longest regular expression that is used, in UTF-16 units. */
const MAX_PATTERN = 1024;
/** A repeated group that contains a repetition or a choice, or a backreference: these can make matching exponential. */
const REPEATED_REPETITION = /[*+}|][^()]*\)+[*+{]|\\[1-9]|\\k</;
/** In Oniguruma `a{2}?` is `(?:a{2})?`, in JavaScript a lazy `a{2}`. */
const OPTIONAL_COUNT = /\{\d+\}\?/;
/**
 * A letter, escaped punctuation, `[\\s\\S]`, a character class without named classes, or the end of a group; with its
 * quantifier.
 */
const UNIT = String
  .raw`(?:[^\\^$.()[\]{}|*+?]|\\[\\^$.*+?()[\]{}|/]|\[\\s\\S\]|\[\^?[^\\^[\]&:]+\]|\))(?:[?*+]|\{\d+(?:,\d*)?\})?`;
/** Patterns of these, groups, choices and lookarounds mean the same in both languages. */
const PLAIN = new RegExp(String.raw`^(?:${UNIT}|\((?:\?(?:[:=!]|<[=!]))?|\|)*$`, "u");

/** Where matches are in a text: start and end in UTF-16 units. */
export type Span = readonly [start: number, end: number];

type Translate = typeof import("oniguruma-to-es").toRegExp;
let translate: Translate | undefined;

/** Loads what `compilePattern` needs for a file with this text. */
export async function loadPatterns(json: string): Promise<void> {
  if (translate || !json.includes('"Regex"')) return;
  translate = (await import("oniguruma-to-es")).toRegExp;
}

/** Says why a regular expression is refused. */
export class PatternRefused extends Error {}

/** The version before groups with flags. In V8, properties after a group such as `(?i:a)?` ignore case, too. */
const TARGET = "ES2024";

/** Oniguruma's `\\w` inside a character class. The package's own translation includes all numbers. */
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
/** Outside of character classes, Oniguruma's `\\w` has these numbers of Latin-1, too. */
const LONE_WORD = `${WORD}²³¹¼½¾`;
const LISTED: Readonly<Record<string, string>> = { "\\w": `[${WORD}]`, "\\W": `[^${WORD}]` };
const LONE: Readonly<Record<string, string>> = {
  "\\w": `[${LONE_WORD}]`,
  "\\W": `[^${LONE_WORD}]`,
  "\\p{word}": `[${LONE_WORD}]`,
  "\\P{^word}": `[${LONE_WORD}]`,
  "\\P{word}": `[^${LONE_WORD}]`,
  "\\p{^word}": `[^${LONE_WORD}]`,
  "\\b": `(?:(?<=[${LONE_WORD}])(?![${LONE_WORD}])|(?<![${LONE_WORD}])(?=[${LONE_WORD}]))`,
  "\\B": `(?:(?<=[${LONE_WORD}])(?=[${LONE_WORD}])|(?<![${LONE_WORD}])(?![${LONE_WORD}]))`,
};

/** Properties that tell upper from lower case. Others have both cases of each letter. */
const CASED =
  /^\\p\{\^?(?:(?:gc|generalcategory)=)?(?:l[ult]|(?:upper|lower|title)(?:case)?(?:letter)?|changeswhen\w+)\}$/;
/** Flags that ignore case. */
const IGNORES_CASE = /\(\?[a-z]*i/;

/**
 * The pattern with `\\w`, `\\W`, `\\b` and `\\B` replaced by character classes. Outside of these a property does not ignore case, as
 * in Oniguruma: in `(?i)\\p{Lu}` it is upper case alone.
 */
function withWords(source: string): string {
  const ignoresCase = IGNORES_CASE.test(source);
  let depth = 0; // of character classes
  return source.replace(/\\[pP]\{[^}]*\}|\\[^]|[[\]]/g, (part) => {
    if (part === "[") depth++;
    if (part === "]") depth = Math.max(0, depth - 1);
    if (depth > 0) return LISTED[part] ?? part;
    const name = part.slice(0, 2) + part.slice(2).replace(/[ _-]/g, "").toLowerCase();
    if (ignoresCase && CASED.test(name.toLowerCase())) return `(?-i:${part})`;
    return LONE[name] ?? part;
  });
}

/**
 * Compiles an Oniguruma pattern. @throws {PatternRefused} when matching could take exponential time, when the pattern is
 * wrong, or when `loadPatterns` was not called.
 */
export function compilePattern(source: string): RegExp {
  if (source.length > MAX_PATTERN || REPEATED_REPETITION.test(source)) {
    throw new PatternRefused("this regular expression could take forever");
  }
  if (OPTIONAL_COUNT.test(source)) {
    throw new PatternRefused("this regular expression has a count with a question mark: write (?:a{2})? for a{2}?");
  }
  const plain = PLAIN.test(source);
  if (!plain && !translate) throw new PatternRefused("this regular expression needs Tokenizer.openJson");
  let compiled: RegExp;
  try {
    compiled = plain || !translate
      ? new RegExp(source, "gu")
      : translate(withWords(source), { global: true, target: TARGET });
  } catch (cause) {
    throw new PatternRefused("this regular expression is not understood", { cause });
  }
  if (!plain && translate && IGNORES_CASE.test(source)) requireSingleLetters(source, translate);
  return compiled;
}

/** Throws a PatternRefused where Oniguruma, which ignores case, takes several letters for one. */
function requireSingleLetters(source: string, translate: Translate): void {
  const found = manyForOne(source, (part) => translate(`(?i)${withWords(part)}`, { target: TARGET }));
  if (found === undefined) return;
  throw new PatternRefused(
    `this regular expression ignores case, and Oniguruma then takes ${othersOf(found)} for ${JSON.stringify(found)}, ` +
      `which JavaScript cannot: write both cases of each letter, as in [sS][sS], instead of (?i)`,
  );
}

/**
 * The matches of a pattern with the flag "g", from left to right. An empty match right after another match does not count, and
 * an empty text has no matches. Source: `find_iter` of Rust's `onig`, and Hugging Face's `pattern.rs`.
 */
export function matchesOf(pattern: RegExp, text: string): Span[] {
  const found: Span[] = [];
  let last = -1;
  for (let from = 0; text.length > 0 && from <= text.length;) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (!match) break;
    const start = match.index, end = start + match[0].length;
    if (start === end && end === last) {
      from += (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    found.push([start, end]);
    from = last = end;
  }
  return found;
}

/** The text with `content` in place of each match. */
export function replaceMatches(text: string, { pattern, content }: { pattern: RegExp; content: string }): string {
  let replaced = "", at = 0;
  for (const [start, end] of matchesOf(pattern, text)) {
    replaced += text.slice(at, start) + content;
    at = end;
  }
  return at === 0 && replaced === "" ? text : replaced + text.slice(at);
}
