import { causalConv } from "../../core/ops/causal_conv.ts";
import { linear } from "../../core/ops/linear.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [B, T, I, J] of [[1, 1, 1, 4], [2, 2, 63, 4], [1, 65, 65, 4], [2, 257, 5, 3], [1, 33, 9, 1]] as const) {
  Deno.test(`causal_conv [${B}, ${T}, ${I}] with ${J} taps`, () =>
    checkOp("causal_conv", {
      build: (tape, input) => ({
        y: causalConv(tape, { x: input("x", [B, T, I]), w: input("w", [I, J]), bias: input("bias", [I]) }),
      }),
    }));
}

Deno.test("causal_conv without bias, of a slice, into a slice", () =>
  checkOp("causal_conv", {
    build: (tape, input) => {
      const wide = input("wide", [2, 35, 20]), out = tape.tensor("out", [2, 35, 20]);
      causalConv(tape, { x: sliceColumns(wide, 8, [12]), w: input("w", [12, 4]) }, {
        into: sliceColumns(out, 0, [12]),
      });
      linear(tape, { x: sliceColumns(wide, 0, [8]), w: input("v", [8, 8]) }, { into: sliceColumns(out, 12, [8]) });
      return { out };
    },
  }));
