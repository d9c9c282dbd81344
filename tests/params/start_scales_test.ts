/** What docs/initialisation.md says of the start: numbers of order one at every width, unlike with a fixed deviation. */
import { strict as assert } from "node:assert";
import { ArchType } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { DOCUMENT, measuredModel, RESULTS, startScales, withTable } from "./start_scales.ts";

const near = (x: number, expected: number, what: string) =>
  assert.ok(Math.abs(x / expected - 1) < 0.15, `${what}: ${x}`);

Deno.test("start: scores, activations and logits have deviation 1 at widths 64 and 128, and σ²D and σ√D with a given σ", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    for (const [D, sigma] of [[64, undefined], [128, undefined], [64, 0.02], [128, 0.02]] as const) {
      const given = sigma === undefined ? {} : { initDeviation: sigma }, scale = (sigma ?? D ** -0.5) * Math.sqrt(D);
      for (const archType of [ArchType.TRANSFORMER_GLOBAL, ArchType.HYBRID]) {
        const { layers, logits } = await startScales(executor, measuredModel(D, { archType, ...given }));
        near(logits, scale, `logits of ${archType} at ${D}`);
        for (const { attentionLogits, gateAndUp } of layers) {
          near(attentionLogits, scale ** 2, `scores of ${archType} at ${D}`);
          near(gateAndUp, scale, `gate and up of ${archType} at ${D}`);
        }
      }
    }
  } finally {
    await executor.close();
  }
});

Deno.test("start: the table of docs/initialisation.md is that of results/initialisation/scales.csv", async () => {
  const [document, csv] = [await Deno.readTextFile(DOCUMENT), await Deno.readTextFile(new URL("scales.csv", RESULTS))];
  assert.equal(document, withTable(document, csv));
});
