import { strict as assert } from "node:assert";
import { longRotaryTable, rotary, ROTARY_LOW, rotaryTable } from "../../core/ops/rotary.ts";
import { sliceColumns, withRows } from "../../core/tensor/mod.ts";
import { checkOp } from "./harness.ts";

for (const [B, T, H, K] of [[1, 1, 1, 2], [2, 63, 3, 8], [1, 257, 2, 16]] as const) {
  Deno.test(`rotary [${B}, ${T}, ${H}, ${K}]`, () =>
    checkOp("rotary", {
      build: (tape, input) => {
        const table = tape.constant("table", [T, 2, K / 2], rotaryTable(T, K));
        return { y: rotary(tape, { x: withRows(input("x", [B, T, H, K]), 2), table }) };
      },
    }));
}

Deno.test("rotary of a slice of a wider projection, from a later position on", () =>
  checkOp("rotary", {
    build: (tape, input) => {
      const [B, T, H, K] = [2, 5, 2, 6], table = tape.constant("table", [20, 2, K / 2], rotaryTable(20, K));
      const wide = input("wide", [B, T, H * K + 8], { gradient: false });
      const position = input("position", [B], { u32: (b) => 11 + 3 * b });
      return { y: rotary(tape, { x: sliceColumns(wide, 3, [H, K]), table, position }) };
    },
  }));

Deno.test("rotary of positions far behind the rows of its table", () =>
  checkOp("rotary", {
    build: (tape, input) => {
      const [B, T, H, K] = [3, 5, 2, 8], longest = 3_000_000, rows = longRotaryTable(longest, K);
      const table = tape.constant("table", [rows.length / K, 2, K / 2], rows);
      const x = withRows(input("x", [B, T, H, K], { gradient: false }), 2);
      const position = input("position", [B], { u32: (b) => [0, ROTARY_LOW - 2, longest - 9][b]! });
      return { y: rotary(tape, { x, table, position }, { low: ROTARY_LOW }) };
    },
  }));

Deno.test("the angles of two rows are those of one: cosine and sine to 1e-7, and equal below the first high row", () => {
  const K = 8, positions = 5000, exact = rotaryTable(positions, K), rows = longRotaryTable(positions, K), half = K / 2;
  const at = (row: number, i: number) => rows[row * K + i]!;
  for (let p = 0; p < positions; p++) {
    const near = p % ROTARY_LOW, far = ROTARY_LOW + Math.floor(p / ROTARY_LOW);
    for (let i = 0; i < half; i++) {
      const cos = at(near, i) * at(far, i) - at(near, half + i) * at(far, half + i);
      const sin = at(near, half + i) * at(far, i) + at(near, i) * at(far, half + i);
      const bound = p < ROTARY_LOW ? 0 : 1.5e-7;
      assert.ok(Math.abs(cos - exact[p * K + i]!) <= bound && Math.abs(sin - exact[p * K + half + i]!) <= bound);
    }
  }
});
