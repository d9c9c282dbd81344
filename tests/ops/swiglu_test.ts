import { linear } from "../../core/ops/linear.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [R, F] of [[1, 1], [3, 63], [65, 257]] as const) {
  Deno.test(`swiglu [${R}, ${F}]`, () =>
    checkOp("swiglu", { build: (tape, input) => ({ y: swiglu(tape, input("gu", [R, 2 * F])) }) }));
}

Deno.test("swiglu at large gates, where e^−x overflows", () =>
  checkOp("swiglu", {
    differences: 0,
    build: (tape, input) => ({
      y: swiglu(
        tape,
        input("gu", [5, 64], { fill: (data, counter) => fillNormal(data, counter, { deviation: 100 }) }),
      ),
    }),
  }));

Deno.test("swiglu of a slice", () =>
  checkOp("swiglu", {
    build: (tape, input) => {
      const wide = input("wide", [7, 20]);
      const other = linear(tape, { x: sliceColumns(wide, 0, [6]), w: input("w", [3, 6]) });
      return { y: swiglu(tape, sliceColumns(wide, 6, [14])), other };
    },
  }));
