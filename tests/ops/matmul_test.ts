import { linear } from "../../core/ops/linear.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [R, I, O] of [[1, 1, 1], [63, 65, 17], [65, 128, 64], [257, 40, 63], [130, 16, 200]] as const) {
  Deno.test(`linear [${R}, ${I}] to ${O}: product, d x, d w`, () =>
    checkOp("linear", {
      build: (tape, input) => ({ y: linear(tape, { x: input("x", [R, I]), w: input("w", [O, I]) }) }),
    }));
}

Deno.test("linear of a slice, into a slice, added to an existing gradient", () =>
  checkOp("linear", {
    build: (tape, input) => {
      const wide = input("wide", [9, 20]), out = tape.tensor("out", [9, 12]);
      const x = sliceColumns(wide, 0, [20]);
      linear(tape, { x, w: input("w1", [5, 20]) }, { into: sliceColumns(out, 0, [5]) });
      linear(tape, { x, w: input("w2", [7, 20]) }, { into: sliceColumns(out, 5, [7]) });
      return { out };
    },
  }));
