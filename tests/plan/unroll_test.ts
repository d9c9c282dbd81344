import { strict as assert } from "node:assert";
import { asksForUnrolling, unrolled } from "../../core/webgpu/unroll.ts";

const plain = (code: string) => code.replace(/\s+/g, " ").trim();

Deno.test("unroll: rounds with the loop's variable as a number, not inside other names, and not as a component", () => {
  const code = "for (var x = 0u; x < 2; x++) { sum[x] += max_x * v.x + f(x); } // rest";
  assert.equal(
    plain(unrolled(code, {})),
    "{ sum[0u] += max_x * v.x + f(0u); } { sum[1u] += max_x * v.x + f(1u); }",
  );
});

Deno.test("unroll: bounds are literals, consts of the file or compiled-in constants, and loops inside loops are written out too", () => {
  const code = "const N = 2u;\nfor (var i = 0u; i < N; i++) { for (var j = 0u; j < TAPS; j += 2) { a[i][j]; } }";
  assert.equal(
    plain(unrolled(code, { TAPS: 3 })),
    "const N = 2u; { { a[0u][0u]; } { a[0u][2u]; } } { { a[1u][0u]; } { a[1u][2u]; } }",
  );
});

Deno.test("unroll: loops that are long, end early or have an unknown bound stay", () => {
  for (
    const code of [
      "for (var i = 0u; i < 9; i++) { a[i]; }",
      "for (var i = 0u; i < 4; i++) { if (i > n) { break; } a[i]; }",
      "for (var i = 0u; i < n; i++) { a[i]; }",
      "for (var i = lane; i < 4; i++) { a[i]; }",
    ]
  ) assert.equal(unrolled(code, {}), code);
});

Deno.test("unroll: a kernel that asks for it has larger loops written out, on every adapter", () => {
  const large = `a[i] = ${"x".repeat(3000)};`, loop = `for (var i = 0u; i < 8; i++) {${large}}`;
  assert.equal(unrolled(loop, {}), loop, "24,000 letters are too many");
  assert.equal(asksForUnrolling(loop), false);
  const asking = `const UNROLL_UP_TO = 30000;\n${loop}`;
  assert.equal(asksForUnrolling(asking), true);
  assert.equal(unrolled(asking, {}).match(/a\[\du\] = x/g)!.length, 8);
});
