import { strict as assert } from "node:assert";
import { HymbaError } from "../../core/errors.ts";
import { Array64, zeros } from "../../core/reference/typed_array.ts";

/** An array whose element number n is n. */
const counted = (...shape: number[]) => new Array64(shape, zeros(...shape).values.map((_, n) => n));

Deno.test("an array of four dimensions is row-major", () => {
  const x = counted(2, 3, 4, 5);
  assert.equal(x.at(1, 2, 3, 4), 119);
  assert.equal(x.at(1, 0, 2, 1), ((1 * 3 + 0) * 4 + 2) * 5 + 1);
});

Deno.test("arrays of one to four dimensions set, add and give rows that write to the array", () => {
  for (const shape of [[7], [3, 7], [2, 3, 7], [2, 2, 3, 7]]) {
    const x = counted(...shape), [i = 0, j = 0, k = 0] = shape.slice(0, -1).map((length) => length - 1);
    const row = x.row(i, j, k), first = x.values.length - 7;
    assert.deepEqual([row.length, row.at(0), row.at(6)], [7, first, first + 6], `${shape}`);
    row.set(-1, 0);
    row.add(100, 6);
    assert.deepEqual([x.values[first], x.values[first + 6]], [-1, first + 106], `${shape}`);
    const last = shape.map((length) => length - 1) as [number];
    x.set(5, ...last);
    x.add(3, ...last);
    assert.deepEqual([x.at(...last), x.values.at(-1)], [8, 8], `${shape}`);
  }
});

Deno.test("a row takes over another row, and leaves the rest of its array", () => {
  const x = zeros(3, 2);
  x.row(1).copyFrom(counted(4, 2).row(3));
  assert.deepEqual([...x.values], [0, 0, 6, 7, 0, 0]);
});

Deno.test("a shape that does not fit its numbers is refused", () => {
  assert.throws(() => new Array64([2, 3], new Float64Array(5)), HymbaError);
  assert.throws(() => zeros(1, 1, 1, 1, 1), HymbaError);
  assert.throws(() => counted(2, 3).reshape(4, 2), HymbaError);
});
