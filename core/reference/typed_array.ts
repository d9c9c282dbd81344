/** The arrays of the references. No other file of the references reads a number without a check that the number exists. */
import { HymbaError } from "../errors.ts";
import { sizeOf } from "../tensor/mod.ts";

/**
 * Float64 numbers in row-major order. The shape has one to four dimensions: element (b, t, d) of an array of shape [B, T, D] is
 * `values[(b · T + t) · D + d]`. Methods take one index for each dimension. They do not check that an index is inside the shape.
 */
export class Array64 {
  // The lengths of the second, third and fourth dimension. A missing dimension has length 1 and index 0.
  readonly #second: number;
  readonly #third: number;
  readonly #fourth: number;

  /** Throws a HymbaError when the shape has more than four dimensions, or not as many elements as there are values. */
  constructor(readonly shape: readonly number[], readonly values: Float64Array = new Float64Array(sizeOf(shape))) {
    if (shape.length > 4 || sizeOf(shape) !== values.length) {
      throw new HymbaError(`${values.length} numbers do not fit the shape [${shape}]`);
    }
    this.#second = shape[1] ?? 1;
    this.#third = shape[2] ?? 1;
    this.#fourth = shape[3] ?? 1;
  }

  at(i: number, j = 0, k = 0, l = 0): number {
    return this.values[((i * this.#second + j) * this.#third + k) * this.#fourth + l]!;
  }

  set(value: number, i: number, j = 0, k = 0, l = 0): void {
    this.values[((i * this.#second + j) * this.#third + k) * this.#fourth + l] = value;
  }

  /** Adds `value` to one element. */
  add(value: number, i: number, j = 0, k = 0, l = 0): void {
    this.values[((i * this.#second + j) * this.#third + k) * this.#fourth + l]! += value;
  }

  /** A view of the last dimension: `row(b, t)` of an array of shape [B, T, D] has D numbers. */
  row(i: number, j = 0, k = 0): Row64 {
    return new Row64(this.values, ((i * this.#second + j) * this.#third + k) * this.#fourth, this.shape.at(-1) ?? 1);
  }

  /** The same numbers under another shape. */
  reshape(...shape: readonly number[]): Array64 {
    return new Array64(shape, this.values);
  }

  copy(): Array64 {
    return new Array64(this.shape, this.values.slice());
  }
}

/** A view of neighbouring numbers of an array. Inner loops use rows because they are fast. */
export class Row64 {
  constructor(readonly values: Float64Array, readonly start: number, readonly length: number) {}

  at(i: number): number {
    return this.values[this.start + i]!;
  }

  set(value: number, i: number): void {
    this.values[this.start + i] = value;
  }

  add(value: number, i: number): void {
    this.values[this.start + i]! += value;
  }

  /** Takes over the numbers of another row. */
  copyFrom({ values, start, length }: Row64): void {
    this.values.set(values.subarray(start, start + length), this.start);
  }
}

/** An array of zeros. */
export const zeros = (...shape: readonly number[]): Array64 => new Array64(shape);

/** An array of zeros in the shape of x. */
export const zerosLike = (x: Array64): Array64 => new Array64(x.shape);

/** An array of one dimension. */
export const vector = (...numbers: readonly number[]): Array64 =>
  new Array64([numbers.length], Float64Array.from(numbers));

/** Every index of an array of three dimensions, in the order of its values. */
export function* indicesOf({ shape: [I = 1, J = 1, K = 1] }: Array64): Generator<readonly [number, number, number]> {
  for (let i = 0; i < I; i++) {
    for (let j = 0; j < J; j++) {
      for (let k = 0; k < K; k++) yield [i, j, k];
    }
  }
}

/** Σ a[i] · b[i], in order. */
export function dot(a: Row64, b: Row64): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a.at(i) * b.at(i);
  return sum;
}

/** to += factor · x */
export function addScaled(to: Row64, factor: number, x: Row64): void {
  for (let i = 0; i < x.length; i++) to.add(factor * x.at(i), i);
}

/** Σ x[i], in order. */
export function sumOf(x: Row64): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x.at(i);
  return sum;
}
