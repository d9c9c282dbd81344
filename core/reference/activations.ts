/** Scalar functions of gates and step sizes, in float64. */

/** σ(x) = 1 / (1 + e^−x). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** x · σ(x). */
export const silu = (x: number): number => x * sigmoid(x);

/** d silu / dx. */
export const siluDerivative = (x: number): number => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

/** log(1 + e^x), without overflow at large x and without loss of digits at small. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
