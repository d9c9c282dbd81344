/**
 * Keeping U+2581 apart from the space that it stands for. SentencePiece writes a space as U+2581 and reads both back as a
 * space. A lossless tokenizer therefore spells U+2581 as an escape, two characters that nothing else is spelt with: U+FDD0, a
 * code point that is no character, and a digit. U+FDD0 itself is spelt likewise.
 */
import { isDeepStrictEqual } from "node:util";
import { SPACE_MARK } from "./bytes.ts";
import { compileCharsmap } from "./charsmap.ts";
import type { NormalizerSpec } from "./normalizer.ts";

const ESCAPE = "\ufdd0";

/** Replacements in the order in which they must be made. */
const STEPS: readonly (readonly [string, string])[] = [[ESCAPE, `${ESCAPE}0`], [SPACE_MARK, `${ESCAPE}1`]];

const unchanged = { addDummyPrefix: false, removeExtraWhitespaces: false, escapeWhitespaces: false };
const inverse = compileCharsmap(new Map(STEPS.map(([from, to]) => [to, from])));
/** The way back, as a model file says it. */
const DENORMALIZER: NormalizerSpec = { name: "lossless", charsmap: inverse, ...unchanged };

/** The escape as a character map, the way back, and both as text. */
export const MARK_ESCAPE = {
  steps: STEPS,
  charsmap: compileCharsmap(new Map(STEPS)),
  denormalizer: DENORMALIZER,
} as const;

/** Whether a model escapes U+2581 in this way and does nothing else to a text. */
export function escapesMark(
  { normalizer, denormalizer }: { normalizer: NormalizerSpec; denormalizer?: NormalizerSpec },
): boolean {
  return isDeepStrictEqual(Uint8Array.from(normalizer.charsmap), MARK_ESCAPE.charsmap) && denormalizer !== undefined &&
    isDeepStrictEqual({ ...denormalizer, charsmap: Uint8Array.from(denormalizer.charsmap) }, DENORMALIZER);
}
