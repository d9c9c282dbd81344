/** Reads values that have to be there. A missing value is a mistake in this program, so the reader throws at once. */

/** The element at `index`; a negative index counts from the end. Throws a RangeError when the list has no such element. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const value = list[index < 0 ? list.length + index : index];
  if (value === undefined) throw new RangeError(`a list of ${list.length} has no element ${index}`);
  return value;
}

/** The value, which must not be undefined. Throws an Error that names it: `what` says what was looked for. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
}
