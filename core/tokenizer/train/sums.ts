/** Sums of probabilities that are too small for a double. */

/** The value of a stored sum is its number × LARGE^(−exponent). Multiplying by a power of two does not round. */
export const LARGE = 2 ** 512;
const SMALL = 2 ** -512;
/** A stored number below this is multiplied by LARGE, so stored numbers lie between 2^-256 and about 2^256. */
const LEAST = 2 ** -256;
/** The exponent of a sum that has no term yet. */
const EMPTY = 2 ** 30;

/** Sums over paths, one for each position in a word. */
export class Sums {
  values = new Float64Array(64);
  exponents = new Int32Array(64);

  /** Makes room for `positions` sums and discards the old ones. */
  fit(positions: number): void {
    if (positions <= this.values.length) return;
    this.values = new Float64Array(2 * positions);
    this.exponents = new Int32Array(2 * positions);
  }

  /** Sets the sums at 0 to `last` to zero, and the one at `at` to one. */
  start({ last, at }: { last: number; at: number }): void {
    this.values.fill(0, 0, last + 1);
    this.exponents.fill(EMPTY, 0, last + 1);
    this.values[at] = 1;
    this.exponents[at] = 0;
  }

  /** Adds a term with its exponent to the sum at `at`. The sum takes the exponent of the larger one. */
  add(at: number, value: number, exponent: number): void {
    const own = this.exponents[at]!;
    if (exponent === own) this.values[at]! += value;
    else if (exponent > own) this.values[at]! += value * SMALL ** (exponent - own);
    else {
      this.values[at] = this.values[at]! * SMALL ** (own - exponent) + value;
      this.exponents[at] = exponent;
    }
  }

  /** Scales the finished sum at `at` into the range of stored numbers. A sum of zero stays zero. */
  settle(at: number): void {
    while (this.values[at]! < LEAST && this.values[at]! > 0) {
      this.values[at]! *= LARGE;
      this.exponents[at]!++;
    }
  }
}
