/** Texts for comparisons of tokenizers: all planes, combining marks, control characters, very long and very regular ones. */
import type { Dice } from "../../fuzz/dice.ts";

type Range = readonly [first: number, last: number];

/** Characters that every Unicode table in use knows alike. Each line is as likely as another. */
const SETTLED: readonly Range[] = [
  [0x61, 0x66],
  [0x20, 0x7e],
  [0x01, 0x1f],
  [0x7f, 0x9f],
  [0xa0, 0x24f],
  [0x300, 0x36f], // combining marks
  [0x370, 0x4ff], // Greek, Cyrillic
  [0x5d0, 0x5ea], // Hebrew
  [0x621, 0x6d3], // Arabic
  [0x905, 0x963], // Devanagari
  [0xe01, 0xe5b], // Thai
  [0x1100, 0x1175], // Hangul in parts
  [0x2000, 0x206f], // spaces, joiners, directions
  [0x20d0, 0x20ea], // marks of signs
  [0x2100, 0x2328],
  [0x3000, 0x30fe],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0xe000, 0xf8ff], // private use
  [0xfe20, 0xffff],
  [0x10000, 0x1004d],
  [0x1d400, 0x1d7c9],
  [0x1f300, 0x1f5fa],
  [0x20000, 0x2a6d6],
  [0xe0001, 0x10ffff],
];
/** Characters of any age, and code points that are none yet. */
const ALL: readonly Range[] = [...SETTLED, [0x250, 0x1fff], [0x2070, 0x2fff], [0xa000, 0xabff], [0x10000, 0xe0000]];
const SPECIAL = [
  "▁",
  " ",
  "  ",
  "<s>",
  "</s>",
  "<unk>",
  "<0x41>",
  "\t",
  "\r",
  "\u00a0",
  "\u200b",
  "\u200d",
  "\ufeff",
  "\u0085",
];

/** A whole number from 1 to `most`, small ones as likely as large ones. */
export const length = (dice: Dice, most: number): number => Math.ceil(most ** (dice.below(1001) / 1000));

/** A character that is no line break and no surrogate. `settled`: only characters that are the same in all versions of Unicode. */
export function characterOf(dice: Dice, { settled = false } = {}): string {
  const [first, last] = dice.pick(settled ? SETTLED : ALL), code = first + dice.below(last - first + 1);
  return code === 0x0a || code >= 0xd800 && code < 0xe000 ? "x" : String.fromCodePoint(code);
}

/** One of: a piece, something special, any character. */
function partOf(
  dice: Dice,
  { pieces, strange, settled }: { pieces: readonly string[]; strange: number; settled: boolean },
): string {
  if (dice.once(strange)) return dice.once(2) ? dice.pick(SPECIAL) : characterOf(dice, { settled });
  return dice.once(6) ? " " : dice.pick(pieces).replaceAll("▁", " ");
}

/** A text without line breaks that uses pieces of a vocabulary; one in fifty is very long, one in ten very regular. */
export function textOf(
  dice: Dice,
  { pieces, longest = 4000, settled = false }: { pieces: readonly string[]; longest?: number; settled?: boolean },
): string {
  const rule = { pieces, settled, strange: dice.pick([2, 5, 20, 1000]) };
  const parts = (count: number) => Array.from({ length: count }, () => partOf(dice, rule)).join("");
  if (dice.once(10)) return parts(length(dice, 4)).repeat(length(dice, longest / 8));
  const text = parts(dice.once(50) ? length(dice, longest) : length(dice, 24));
  return dice.once(8) ? text.normalize(dice.pick(["NFC", "NFD", "NFKC", "NFKD"])) : text;
}
