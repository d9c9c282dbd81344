/** The 16-bit float formats, and the description of a packed tensor. */

/** bf16 has the exponent of f32 and 8 significant bits; f16 (IEEE binary16) has 11, and ends at 65504. */
export const HALF_FORMATS = ["bf16", "f16"] as const;
export type HalfFormat = typeof HALF_FORMATS[number];

/** Exponent bits name a format in the attributes of steps, which are numbers. */
export const EXPONENT_BITS: Readonly<Record<HalfFormat, number>> = { bf16: 8, f16: 5 };

/** The contents of a tensor of words: column 2j of a row is the low half of word j, column 2j + 1 the high half. */
export interface Packed {
  readonly format: HalfFormat;
  /** Columns of each row. If the number is odd, the high half of the last word is zero. */
  readonly columns: number;
}

/** Number of words of a row with this many columns. */
export const wordsOf = (columns: number): number => Math.ceil(columns / 2);
