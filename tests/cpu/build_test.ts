import { strict as assert } from "node:assert";
import { buildKernels } from "../../core/cpu/build.ts";
import { bestBuild, type Build, BUILDS } from "../../core/cpu/module.ts";

for (const [build, file] of Object.entries(BUILDS)) {
  Deno.test(`the committed ${file} is what its sources build`, async () => {
    const committed = await Deno.readFile(new URL(`../../core/cpu/${file}`, import.meta.url));
    assert.deepEqual(
      await buildKernels(build as Build),
      committed,
      "run: deno run -A --lock=tests/deno.lock --frozen core/cpu/build.ts",
    );
  });
}

Deno.test("the engine that runs this has relaxed SIMD", () => assert.equal(bestBuild(), "relaxed"));
