import { strict as assert } from "node:assert";
import { gaps, kernelsTable, TABLE_FILE } from "../kernels_table.ts";

Deno.test("every executor has every step", () => assert.deepEqual(gaps(), []));

Deno.test("docs/kernels.md is what the registries say", async () => {
  assert.equal(await Deno.readTextFile(TABLE_FILE), kernelsTable(), "run: deno run -A tests/kernels_table.ts");
});
