import { rotary, rotaryTable } from "../../core/ops/rotary.ts";
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
      const position = input("position", [1], { u32: () => 11 });
      return { y: rotary(tape, { x: sliceColumns(wide, 3, [H, K]), table, position }) };
    },
  }));
