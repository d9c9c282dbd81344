/**
 * Rust's character classes, for JavaScript regular expressions with the flag "u". JavaScript's own `\\s` differs: it includes
 * U+FEFF and lacks U+0085.
 */

/** White space (Unicode's property White_Space), to be put inside brackets. */
export const SPACE_CLASS = "\\p{White_Space}";
/** Word characters, as `\\w` of Rust's `regex`, to be put inside brackets. */
export const WORD_CLASS = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

const WORD = new RegExp(`[${WORD_CLASS}]`, "uy"), SPACE = /\p{White_Space}/u;

/** Whether a word character starts at `at`. */
export function startsWithWord(text: string, at: number): boolean {
  WORD.lastIndex = at;
  return WORD.test(text);
}

/** Whether a word character ends at `at`. */
export function endsWithWord(text: string, at: number): boolean {
  const unit = text.charCodeAt(at - 1), low = unit >= 0xdc00 && unit < 0xe000;
  return at > 0 && startsWithWord(text, low && at > 1 ? at - 2 : at - 1);
}

/** The start of the run of spaces that ends at `at`. Every space is one UTF-16 unit. */
export function startOfSpaces(text: string, at: number): number {
  let start = at;
  while (start > 0 && SPACE.test(text.charAt(start - 1))) start--;
  return start;
}

/** The end of the run of spaces that starts at `at`. */
export function endOfSpaces(text: string, at: number): number {
  let end = at;
  while (end < text.length && SPACE.test(text.charAt(end))) end++;
  return end;
}
