import { strict as assert } from "node:assert";
import { Hymba, HymbaConfig, UsageError } from "../../mod.ts";
import type { GenerateOptions } from "../../mod.ts";

const config = new HymbaConfig({ vocabSize: 30, dModel: 16, nLayers: 3, nHeads: 2, nKvHeads: 1, archType: "mamba" });

/** Options that no draw is defined for, and the name that the error gives. */
const WRONG: readonly (readonly [name: string, options: GenerateOptions])[] = [
  ...[-1, NaN, Infinity].map((temperature) => ["temperature", { temperature }] as const),
  ...[-1, 0.5, NaN, Infinity].map((topK) => ["topK", { topK }] as const),
  ...[0, -1, 1.5, NaN, 4e9].map((maxNewTokens) => ["maxNewTokens", { maxNewTokens }] as const),
  ...[-1, 0.5, NaN].map((seed) => ["seed", { seed }] as const),
];

Deno.test("sampling: options that no draw is defined for are usage errors that name the option and the value", async () => {
  const model = await Hymba.create(config, { backend: "cpu" });
  for (const [name, options] of WRONG) {
    const [value] = Object.values(options);
    await assert.rejects(model.generate([[1, 2]], options), (error: unknown) => {
      assert.ok(error instanceof UsageError, `${name} ${value}: ${error}`);
      assert.match(error.message, new RegExp(`^sampling: ${name} is out of range\n.*\n +got: +${value}$`));
      return true;
    });
  }
  for (const options of [{ temperature: 0 }, { topK: 0 }, { topK: 99 }, { seed: 0 }, { temperature: 1e-3, topK: 1 }]) {
    assert.equal((await model.generate([[1, 2]], { ...options, maxNewTokens: 2 }))[0]?.length, 2);
  }
  await model.close();
});
