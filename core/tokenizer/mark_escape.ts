/**
 * Keeping U+2581 apart from the space that it stands for. SentencePiece writes a space as U+2581 and reads both back as a
 * space. A lossless tokenizer therefore spells U+2581 as an escape, two characters that nothing else is spelt with: U+FDD0, a
 * code point that is no character, and a digit. U+FDD0 itself is spelt likewise.
 */
import { SPACE_MARK } from "./bytes.ts";
import { compileCharsmap } from "./charsmap.ts";

const ESCAPE = "\ufdd0";

/** Replacements in the order in which they must be made. */
const STEPS: readonly (readonly [string, string])[] = [[ESCAPE, `${ESCAPE}0`], [SPACE_MARK, `${ESCAPE}1`]];

/** The escape as a character map, the way back, and both as text. */
export const MARK_ESCAPE = {
  steps: STEPS,
  charsmap: compileCharsmap(new Map(STEPS)),
  denormalizerCharsmap: compileCharsmap(new Map(STEPS.map(([from, to]) => [to, from]))),
} as const;

/** Whether a model escapes U+2581 in this way and does nothing else to a text. */
export function escapesMark(
  { normalizer, denormalizerCharsmap }: { normalizer: { charsmap: Uint8Array }; denormalizerCharsmap: Uint8Array },
): boolean {
  const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
  return same(normalizer.charsmap, MARK_ESCAPE.charsmap) &&
    same(denormalizerCharsmap, MARK_ESCAPE.denormalizerCharsmap);
}
