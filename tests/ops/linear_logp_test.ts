import { linearLogp } from "../../core/ops/linear_logp.ts";
import { checkOp } from "./harness.ts";

const scaled = (by: number) => (data: Float32Array) => data.forEach((_, i) => data[i] = by * Math.sin(i * 1.7 + 1));

for (const [B, T, D, V] of [[1, 1, 4, 2], [2, 9, 33, 63], [1, 65, 16, 257]] as const) {
  Deno.test(`linear_logp [${B}, ${T}, ${D}], ${V} words`, () =>
    checkOp("linear_logp", {
      build: (tape, input) => ({
        logp: linearLogp(tape, {
          x: input("x", [B, T, D]),
          w: input("w", [V, D]),
          targets: input("targets", [B, T], { u32: (i) => (i * 7) % V }),
        }).logp,
      }),
    }));
}

Deno.test("linear_logp over several chunks of the vocabulary, targets in each", () =>
  checkOp("linear_logp", {
    build: (tape, input) => ({
      logp: linearLogp(tape, {
        x: input("x", [1, 7, 8]),
        w: input("w", [2500, 8]),
        targets: input("targets", [1, 7], { u32: (i) => (i * 500) % 2500 }),
      }).logp,
    }),
    differences: 1,
  }));

Deno.test("linear_logp keeps its digits where the target is nearly certain", () =>
  checkOp("linear_logp", {
    build: (tape, input) => ({
      logp: linearLogp(tape, {
        x: input("x", [1, 3, 2], { fill: scaled(4) }),
        w: input("w", [5, 2], { fill: scaled(4) }),
        targets: input("targets", [1, 3], { u32: (i) => [3, 0, 1][i]! }),
      }).logp,
    }),
  }));
