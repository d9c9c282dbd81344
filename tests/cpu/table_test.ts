import { strict as assert } from "node:assert";
import { kernelsTable, TABLE_FILE } from "../kernels_table.ts";

Deno.test("docs/kernels.md is what the registries say", async () => {
  const text = await Deno.readTextFile(TABLE_FILE), sections = text.indexOf("\n## ");
  assert.equal(text.slice(0, sections), kernelsTable(), "run: deno run -A tests/kernels_table.ts");
});
