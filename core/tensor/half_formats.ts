/** The 16-bit float formats, and what a tensor of packed pairs stands for. */

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
