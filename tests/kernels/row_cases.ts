/** Random cases of the ops that work on rows one by one: norms, their fusion, sums of branches, 16-bit storage. */
import { fusion } from "../../core/ops/fusion.ts";
import { packedLike, packHalves, unpackHalves } from "../../core/ops/halves.ts";
import { linear } from "../../core/ops/linear.ts";
import { mix } from "../../core/ops/mix.ts";
import { rmsnorm } from "../../core/ops/rmsnorm.ts";
import { fillNormal } from "../../core/random.ts";
import { HALF_FORMATS, type HalfFormat, sliceColumns, type Tape, type Tensor } from "../../core/tensor/mod.ts";
import type { Dice } from "../fuzz/dice.ts";
import { BOUNDS, type InputMaker, type OpCase } from "../ops/harness.ts";
import { size } from "./mixer_cases.ts";

/** A whole tensor as input, or a slice of a wider tensor whose gradient is not requested. */
export function part(input: InputMaker, name: string, { lead, tail, dice, fill }: {
  lead: readonly number[];
  tail: readonly number[];
  dice: Dice;
  fill?: (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => void;
}): Tensor {
  const columns = tail.reduce((product, length) => product * length, 1);
  if (!dice.once(3)) return sliceColumns(input(name, [...lead, columns], { fill }), 0, tail);
  const before = dice.pick([0, 1, 3, 4, 8]), behind = dice.pick([0, 1, 4, 5]);
  return sliceColumns(input(name, [...lead, before + columns + behind], { gradient: false, fill }), before, tail);
}

/** Rows with one workgroup each. Tall cases have more rows than one dimension of a grid, and an odd number, so that a workgroup is unused. */
export const rowsOf = (dice: Dice, { most, tall }: { most: number; tall: boolean }) =>
  tall ? 65_537 + 2 * dice.below(10) : size(dice, most);

/** Width of a normalised row. The norm of a single number is its sign, whose gradient is only rounding error. */
const normed = (dice: Dice, tall: boolean) => 3 + size(dice, tall ? 4 : 300);

/** Numbers that are sometimes so small that the epsilon of a norm matters. */
const scaled = (dice: Dice) => {
  const deviation = dice.pick([1, 1e-3]);
  return (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => fillNormal(data, counter, { deviation });
};

export function normCase(dice: Dice, tall = false): OpCase {
  const R = rowsOf(dice, { most: 90, tall }), D = normed(dice, tall), residual = dice.once(2), fill = scaled(dice);
  return {
    build: (tape, input) => {
      const w = input("w", [D]);
      if (!residual) {
        return { y: rmsnorm(tape, { x: part(input, "x", { lead: [R], tail: [D], dice, fill }), w }, { eps: 1e-5 }).y };
      }
      return rmsnorm(tape, { x: input("x", [R, D], { fill }), delta: input("delta", [R, D], { fill }), w }, {
        eps: 1e-6,
      });
    },
  };
}

export function fusionCase(dice: Dice, tall = false): OpCase {
  const R = rowsOf(dice, { most: 90, tall }), I = normed(dice, tall), fill = scaled(dice);
  return {
    build: (tape: Tape, input: InputMaker) => {
      const [a, m, wa, wm] = [
        input("a", [R, I], { fill }),
        input("m", [R, I], { fill }),
        input("wa", [I]),
        input("wm", [I]),
      ];
      return { y: fusion(tape, { a, m, wa, wm }, { eps: 1e-5 }) };
    },
  };
}

export function mixCase(dice: Dice, tall = false): OpCase {
  const R = rowsOf(dice, { most: 90, tall }),
    I = size(dice, tall ? 3 : 300),
    gated = tall || dice.once(2),
    before = dice.once(2) ? 1 + dice.below(8) : 0;
  return {
    // The gradient of the gate is one sum of R · I terms of both signs, about 0.3 √(R · I).
    bounds: { ...BOUNDS, least: { g: 0.01 * Math.sqrt(R * I) } },
    build: (tape, input): Record<string, Tensor> => {
      if (!gated) return { y: mix(tape, { a: input("a", [R, I]), m: input("m", [R, I]) }) };
      const a = input("a", [R, before + I]), m = input("m", [R, I]), g = input("g", [1]);
      if (before === 0) return { y: mix(tape, { a, m, g }) };
      // Every slice of a tensor needs a use, or the tape refuses its gradient.
      const other = linear(tape, { x: sliceColumns(a, 0, [before]), w: input("w", [2, before]) });
      return { y: mix(tape, { a: sliceColumns(a, before, [I]), m, g }), other };
    },
  };
}

/** Numbers halfway between two neighbours of a 16-bit format (ties): half of them round up to even, half down. */
const ties = (format: HalfFormat) => (data: Float32Array) => {
  const spacing = format === "bf16" ? 2 ** -7 : 2 ** -10;
  data.forEach((_, i) => data[i] = (i % 3 === 0 ? -1 : 1) * (1 + spacing * (i % 64 + 0.5)));
};

/** Numbers with some that are not finite, and one that is infinite in f16. */
const unbounded = (data: Float32Array, counter: Parameters<typeof fillNormal>[1]) => {
  const special = [Infinity, -Infinity, NaN, 65520];
  fillNormal(data, counter).forEach((_, i) => data[i] = i % 3 === 1 ? special[i % special.length]! : data[i]!);
};

export function halvesCase(dice: Dice): OpCase {
  const R = size(dice, 90), C = size(dice, 300), format = dice.pick(HALF_FORMATS);
  const fill = dice.pick([scaled(dice), ties(format), unbounded]);
  return {
    withoutCotangent: ["words", "back"],
    build: (tape, input) => {
      const x = part(input, "x", { lead: [R], tail: [C], dice, fill }), words = packedLike(x, { name: "x", format });
      const back = tape.tensor("back", [R, C]);
      tape.steps.push(packHalves(x, words), unpackHalves(words, back));
      return { words, back };
    },
  };
}
