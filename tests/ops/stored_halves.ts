/** Cases whose backward pass reads saved activations directly as 16-bit words. */
import { linear } from "../../core/ops/linear.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { randomInteger } from "../../core/random.ts";
import { sliceColumns, type Tensor, withRows } from "../../core/tensor/mod.ts";
import type { OpCase } from "./harness.ts";

/** Small multiples of 1/8: their products and sums are exact, so every executor packs the same halves. */
const eighths = (data: Float32Array, counter: { seed: number; stream: number; step: number }) =>
  data.forEach((_, i) => data[i] = (randomInteger(counter, i, 9) - 4) / 8);

/** SwiGLU of a product, R rows of F. */
export const storedSwiglu = ({ R, F }: { R: number; F: number }): OpCase => ({
  build: (tape, input) => {
    const x = input("x", [R, 4], { fill: eighths }), w = input("w", [2 * F, 4], { fill: eighths });
    return { y: swiglu(tape, linear(tape, { x, w })) };
  },
});

/** A scan whose inputs, step sizes and gate are products. */
export const storedScan = ({ B, T, I, N }: { B: number; T: number; I: number; N: number }): OpCase => ({
  withoutCotangent: ["states"],
  build: (tape, input) => {
    const udt = withRows(tape.tensor("udt", [B, T, 2, I]), 2);
    const made = (name: string, into?: Tensor) => {
      const x = input(`x of ${name}`, [B, T, 3], { fill: eighths });
      return linear(tape, { x, w: input(`w of ${name}`, [I, 3], { fill: eighths }) }, { into });
    };
    made("u", sliceColumns(udt, 0, [I]));
    made("dt", sliceColumns(udt, I, [I]));
    const bc = withRows(input("bc", [B, T, 2, N]), 2), aLog = input("aLog", [I, N]);
    const rest = { z: made("z"), skip: input("skip", [I]), dtBias: input("dtBias", [I]) };
    return selectiveScan(tape, { udt, bc, aLog, ...rest });
  },
});
