import { fusion } from "../../core/ops/fusion.ts";
import { linear } from "../../core/ops/linear.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [R, I] of [[1, 7], [3, 63], [65, 257], [257, 8]] as const) {
  Deno.test(`fusion [${R}, ${I}]`, () =>
    checkOp("fusion", {
      build: (tape, input) => ({
        y: fusion(tape, {
          a: input("a", [R, I]),
          m: input("m", [R, I]),
          wa: input("wa", [I]),
          wm: input("wm", [I]),
        }, { eps: 1e-5 }),
      }),
    }));
}

Deno.test("fusion of slices of two wider tensors", () =>
  checkOp("fusion", {
    build: (tape, input) => {
      const left = input("left", [5, 20]), right = input("right", [5, 16]);
      const y = fusion(tape, {
        a: sliceColumns(left, 8, [12]),
        m: sliceColumns(right, 0, [12]),
        wa: input("wa", [12]),
        wm: input("wm", [12]),
      }, { eps: 1e-6 });
      const other = linear(tape, { x: sliceColumns(left, 0, [8]), w: input("w", [3, 8]) });
      return { y, other, last: linear(tape, { x: sliceColumns(right, 12, [4]), w: input("v", [2, 4]) }) };
    },
  }));
