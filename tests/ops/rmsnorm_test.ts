import { rmsnorm } from "../../core/ops/rmsnorm.ts";
import { fillNormal } from "../../core/random.ts";
import { sliceColumns } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [R, D] of [[1, 7], [3, 63], [65, 257], [257, 8]] as const) {
  Deno.test(`rmsnorm [${R}, ${D}]`, () =>
    checkOp("rmsnorm", {
      build: (tape, input) => ({ y: rmsnorm(tape, { x: input("x", [R, D]), w: input("w", [D]) }, { eps: 1e-5 }).y }),
    }));
  Deno.test(`rmsnorm with residual [${R}, ${D}]`, () =>
    checkOp("rmsnorm", {
      build: (tape, input) =>
        rmsnorm(tape, { x: input("x", [R, D]), delta: input("delta", [R, D]), w: input("w", [D]) }, { eps: 1e-6 }),
    }));
}

Deno.test("rmsnorm of slices, into slices", () =>
  checkOp("rmsnorm", {
    build: (tape, input) => {
      const wide = input("wide", [5, 24]), out = tape.tensor("out", [5, 24]);
      for (const [i, start] of [0, 8, 16].entries()) {
        const [x, into] = [sliceColumns(wide, start, [8]), sliceColumns(out, start, [8])];
        rmsnorm(tape, { x, w: input(`w${i}`, [8]) }, { eps: 1e-6, into });
      }
      return { out };
    },
  }));

Deno.test("rmsnorm: an input used by the norm and by the residual sum after it", () =>
  checkOp("rmsnorm", {
    build: (tape, input) => {
      const x = input("x", [7, 33]);
      const { y: delta } = rmsnorm(tape, { x, w: input("w1", [33]) }, { eps: 1e-6 });
      return rmsnorm(tape, { x, delta, w: input("w2", [33]) }, { eps: 1e-6 });
    },
  }));

Deno.test("rmsnorm of numbers so small that eps decides", () =>
  checkOp("rmsnorm", {
    differences: 0,
    build: (tape, input) => {
      const x = input("x", [5, 33], { fill: (data, counter) => fillNormal(data, counter, { deviation: 1e-3 }) });
      return { y: rmsnorm(tape, { x, w: input("w", [33]) }, { eps: 1e-6 }).y };
    },
  }));
