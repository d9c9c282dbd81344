/**
 * Classes of characters as Rust has them, in regular expressions of JavaScript with the flag "u". JavaScript's own `\\s` differs:
 * it has U+FEFF and lacks U+0085.
 */

/** White space, Unicode's property White_Space: what stands inside brackets. */
export const SPACE_CLASS = "\\p{White_Space}";
/** Characters of words, as `\\w` of Rust's `regex`: what stands inside brackets. */
export const WORD_CLASS = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

const WORD = new RegExp(`[${WORD_CLASS}]`, "uy"), SPACE = /\p{White_Space}/u;

/** Whether a character of a word starts at `at`. */
export function startsWithWord(text: string, at: number): boolean {
  WORD.lastIndex = at;
  return WORD.test(text);
}

/** Whether a character of a word ends at `at`. */
export function endsWithWord(text: string, at: number): boolean {
  const unit = text.charCodeAt(at - 1), low = unit >= 0xdc00 && unit < 0xe000;
  return at > 0 && startsWithWord(text, low && at > 1 ? at - 2 : at - 1);
}

/** Where the spaces that end at `at` start. Spaces are in the basic plane. */
export function startOfSpaces(text: string, at: number): number {
  let start = at;
  while (start > 0 && SPACE.test(text.charAt(start - 1))) start--;
  return start;
}

/** Where the spaces that start at `at` end. */
export function endOfSpaces(text: string, at: number): number {
  let end = at;
  while (end < text.length && SPACE.test(text.charAt(end))) end++;
  return end;
}
