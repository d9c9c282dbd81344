/** Two 16-bit floats in one u32 word: how half-precision numbers are stored where the language has no type for them. */
import type { Tensor } from "./tensor.ts";

/** bf16 has the exponent of f32 and 8 significant bits; f16 (IEEE binary16) has 11, and ends at 65504. */
export const HALF_FORMATS = ["bf16", "f16"] as const;
export type HalfFormat = typeof HALF_FORMATS[number];

/** What tells the formats apart inside steps, where attributes are numbers. */
export const EXPONENT_BITS: Readonly<Record<HalfFormat, number>> = { bf16: 8, f16: 5 };

/** What a tensor of words stands for: column 2j of a row is the low half of word j, column 2j + 1 the high half. */
export interface Packed {
  readonly format: HalfFormat;
  /** Of each row; the last word of an odd number has a high half of zero. */
  readonly columns: number;
}

/** Words that hold a row of so many columns. */
export const wordsOf = (columns: number): number => Math.ceil(columns / 2);

/** Columns [start, start + columns) of the rows behind a tensor of words, as words; undefined where they cut a word apart. */
export function slicePacked(words: Tensor, start: number, columns: number): Tensor | undefined {
  const { packed } = words;
  if (!packed || start % 2 !== 0 || (columns % 2 !== 0 && start + columns !== packed.columns)) return undefined;
  const count = wordsOf(columns), shape = [words.rows, count];
  return {
    ...words,
    shape,
    lead: 1,
    offset: words.offset + start / 2,
    columns: count,
    packed: { ...packed, columns },
  };
}
