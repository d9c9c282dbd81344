/** The replacements of functions that older engines lack do the same as those functions. */
import assert from "node:assert/strict";
import { base64Of, bytesOf, escapePattern, groupBy, withResolvers } from "../../.ci/npm/older_engines.ts";
import { fc } from "../packages.ts";

Deno.test("older engines: patterns are escaped as RegExp.escape does", () => {
  const units = Array.from({ length: 2 ** 16 }, (_, unit) => String.fromCharCode(unit));
  const odd = units.flatMap((unit) => [unit, `x${unit}`]).filter((text) => escapePattern(text) !== RegExp.escape(text));
  assert.deepEqual(odd, []);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => assert.equal(escapePattern(text), RegExp.escape(text))),
  );
});

Deno.test("older engines: Base64 is that of Uint8Array", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.equal(base64Of(bytes), bytes.toBase64());
    assert.deepEqual(bytesOf(bytes.toBase64()), new Uint8Array(bytes));
  }));
  assert.throws(() => bytesOf("a%"));
});

Deno.test("older engines: a promise is settled from outside", async () => {
  const one = withResolvers<number>(), other = withResolvers<void>();
  one.resolve(3);
  other.reject(new Error("no"));
  assert.equal(await one.promise, 3);
  await assert.rejects(other.promise, /no/);
});

Deno.test("older engines: groups are those of Map.groupBy", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 })), (items) => {
      const keyOf = (item: number, index: number) => item === 0 ? -item : index % 2 ? NaN : item;
      assert.deepEqual([...groupBy(items, keyOf)], [...Map.groupBy(items, keyOf)]);
    }),
  );
});
