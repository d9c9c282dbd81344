import vec1 from "../../../wgsl/lib/vec1.wgsl" with { type: "text" };
import vec4 from "../../../wgsl/lib/vec4.wgsl" with { type: "text" };
import type { Tensor } from "../../tensor/mod.ts";

/** Number of elements that an invocation loads at once. */
export type Width = 1 | 4;

/** 4 if these lengths and the starts and ends of all rows of these tensors are multiples of 4, else 1. */
export function widthOf(lengths: readonly number[], tensors: readonly Tensor[]): Width {
  const places = tensors.flatMap(({ offset, rowStride, storage }) => [offset, rowStride, storage.elements]);
  return [...lengths, ...places].every((count) => count % 4 === 0) ? 4 : 1;
}

/** One kernel for each width. `make` gets its name and the code of lib/vec4 or lib/vec1, which comes first. */
export const forWidths = <K>(name: string, make: (name: string, vec: string) => K): Readonly<Record<Width, K>> => ({
  1: make(`${name} x1`, vec1),
  4: make(`${name} x4`, vec4),
});
