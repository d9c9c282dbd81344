/**
 * Distinguishes U+2581 from the space. SentencePiece writes a space as U+2581 and reads both back as a space. A lossless
 * tokenizer therefore writes U+2581 as an escape of two characters: U+FDD0, which is a noncharacter, and a digit. U+FDD0
 * itself is escaped in the same way.
 */
import { isSame } from "../lists.ts";
import { SPACE_MARK } from "./bytes.ts";
import { compileCharsmap } from "./charsmap.ts";
import type { NormalizerSpec } from "./normalizer.ts";

const ESCAPE = "\ufdd0";

/** Replacements in the order in which they must be made. */
const STEPS: readonly (readonly [string, string])[] = [[ESCAPE, `${ESCAPE}0`], [SPACE_MARK, `${ESCAPE}1`]];

const unchanged = { addDummyPrefix: false, removeExtraWhitespaces: false, escapeWhitespaces: false };
const inverse = compileCharsmap(new Map(STEPS.map(([from, to]) => [to, from])));
/** The inverse, as a model file has it. */
const DENORMALIZER: NormalizerSpec = { name: "lossless", charsmap: inverse, ...unchanged };

/** The escape as text and as a character map, and its inverse. */
export const MARK_ESCAPE = {
  steps: STEPS,
  charsmap: compileCharsmap(new Map(STEPS)),
  denormalizer: DENORMALIZER,
} as const;

/** Whether a model escapes U+2581 in this way and does nothing else to a text. */
export function escapesMark(
  { normalizer, denormalizer }: { normalizer: NormalizerSpec; denormalizer?: NormalizerSpec },
): boolean {
  return isSame(Uint8Array.from(normalizer.charsmap), MARK_ESCAPE.charsmap) && denormalizer !== undefined &&
    isSame({ ...denormalizer, charsmap: Uint8Array.from(denormalizer.charsmap) }, DENORMALIZER);
}
