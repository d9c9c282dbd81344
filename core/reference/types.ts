/** What a reference takes and gives: the arrays of a step by role, row-major in the shapes that the op file states. */
export type Arrays = Readonly<Record<string, Float64Array>>;

/** Sizes and switches of a step. */
export type Sizes = Readonly<Record<string, number>>;

/** A step in float64. Returns every array that the step may write; roles that a plan does not write are ignored. */
export type Reference = (reads: Arrays, attributes: Sizes) => Record<string, Float64Array>;

/** An array that must be there. */
export function need(arrays: Arrays, role: string): Float64Array {
  const found = arrays[role];
  if (!found) throw new Error(`reference: ${role} is missing`);
  return found;
}
