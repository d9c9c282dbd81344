import { strict as assert } from "node:assert";
import { mix } from "../../core/ops/mix.ts";
import { linear } from "../../core/ops/linear.ts";
import { sliceColumns, Tape } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [R, I] of [[1, 1], [3, 63], [65, 257], [257, 8]] as const) {
  Deno.test(`sum of two branches [${R}, ${I}]`, () =>
    checkOp("mix", {
      build: (tape, input) => {
        // After a product, so that the shared gradient is read again.
        const a = linear(tape, { x: input("x", [R, I]), w: input("w", [I, I]) }), m = input("m", [R, I]);
        return { y: mix(tape, { a, m }) };
      },
    }));
  Deno.test(`gated sum of two branches [${R}, ${I}]`, () =>
    checkOp("mix", {
      build: (tape, input) => ({
        y: mix(tape, { a: input("a", [R, I]), m: input("m", [R, I]), g: input("g", [1]) }),
      }),
    }));
}

Deno.test("gated sum of slices of two wider tensors", () =>
  checkOp("mix", {
    build: (tape, input) => {
      const left = input("left", [5, 20]), right = input("right", [5, 16]);
      const y = mix(tape, {
        a: sliceColumns(left, 8, [12]),
        m: sliceColumns(right, 0, [12]),
        g: input("g", [1]),
      });
      const other = linear(tape, { x: sliceColumns(left, 0, [8]), w: input("w", [3, 8]) });
      return { y, other, last: linear(tape, { x: sliceColumns(right, 12, [4]), w: input("v", [2, 4]) }) };
    },
  }));

Deno.test("a sum refuses slices: their gradient would be a slice of another tensor", () => {
  const tape = new Tape(true), wide = tape.input("wide", [4, 6]), m = tape.input("m", [4, 3]);
  assert.throws(() => mix(tape, { a: sliceColumns(wide, 0, [3]), m }), /whole tensors/);
});
