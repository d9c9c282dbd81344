import { strict as assert } from "node:assert";
import { DOCUMENT, withTables } from "./tables.ts";

Deno.test("the tables of measurements in docs/kernels.md are those of results/bench", async () => {
  const text = await Deno.readTextFile(DOCUMENT);
  assert.equal(await withTables(text), text, "run: deno run -A tests/bench/tables.ts");
  await assert.rejects(withTables("<!-- no-such.json -->\n<!-- end -->"), /no table for no-such/);
});
