import { embedding } from "../../core/ops/embedding.ts";
import { linear } from "../../core/ops/linear.ts";
import { textRows } from "../../core/ops/text_rows.ts";
import { checkOp } from "./harness.ts";

/** Ids that repeat, skip some rows of the table and use its last row. */
const ids = (V: number) => (index: number) => index === 0 ? V - 1 : (index * index * 7 + 3) % V;

for (const [B, T, M, V, D] of [[1, 1, 0, 1, 1], [2, 63, 0, 17, 65], [2, 65, 3, 300, 8], [3, 33, 5, 10, 257]] as const) {
  Deno.test(`embedding of [${B}, ${T}] ids, ${M} meta tokens, table [${V}, ${D}]`, () =>
    checkOp("embedding", {
      build: (tape, input) => ({
        x: embedding(tape, {
          ids: input("ids", [B, T], { u32: ids(V) }),
          table: input("table", [V, D]),
          meta: M > 0 ? input("meta", [M, D]) : undefined,
        }),
      }),
    }));
}

Deno.test("embedding whose table is the output head too: gradients are added", () =>
  checkOp("embedding", {
    build: (tape, input) => {
      const table = input("table", [30, 9]);
      const x = embedding(tape, { ids: input("ids", [2, 11], { u32: ids(30) }), table, meta: input("meta", [2, 9]) });
      return { logits: linear(tape, { x: textRows(tape, x, { M: 2 }), w: table }) };
    },
  }));

for (const [B, T, M, D] of [[1, 1, 1, 1], [3, 63, 5, 65], [2, 5, 0, 7]] as const) {
  Deno.test(`text_rows cuts ${M} of ${M + T} rows of ${D}`, () =>
    checkOp("text_rows", {
      build: (tape, input) => {
        const x = input("x", [B, M + T, D]);
        return { y: linear(tape, { x: textRows(tape, x, { M }), w: input("w", [3, D]) }) };
      },
    }));
}
