import { strict as assert } from "node:assert";
import { TRAINED_ALIKE } from "../../core/backend/kernels_hash.ts";
import { buildKernels } from "../../core/cpu/build.ts";
import { sha256 } from "../../core/disk/mod.ts";
import { bestBuild, type Build, BUILDS } from "../../core/cpu/module.ts";

for (const [build, { code }] of Object.entries(TRAINED_ALIKE)) {
  Deno.test(`the kernels of training (${build}) are those of the earlier modules that are said to train alike`, async () => {
    const present = sha256(await buildKernels(build as Build, { training: true }));
    assert.equal(present, code, `training has changed: give TRAINED_ALIKE the code ${present} and no modules`);
  });
}

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
