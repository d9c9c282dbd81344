/** Slices of tensors whose u32 words hold two 16-bit floats each. */
import { wordsOf } from "./half_formats.ts";
import type { Tensor } from "./tensor.ts";

/** Columns [start, start + columns) of packed rows, as words. Undefined if a word would be cut in two. */
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
