/** The frontier: prices from the run, which models no other beats, the table and the picture. */
import { strict as assert } from "node:assert";
import { cacheSize } from "../../core/config/mod.ts";
import { frontierChart, frontierCsv, frontierFindings, modelCosts } from "../../core/report/frontier.ts";
import { availableArtifacts } from "../../core/report/mod.ts";
import { updateFlops } from "../../core/study/match.ts";
import { steadyRounds, syntheticRun, withSpeeds } from "./synthetic_run.ts";

const plain = syntheticRun({ suite: "frontier", preset: "smoke", seeds: 2 });
const run = withSpeeds(plain, (arm) => steadyRounds(1000 + 10 * arm.length));

Deno.test("frontier: the price of a model is its cache, its arithmetic and its time, and recall is the mean over distances", () => {
  const { study } = run.record, models = modelCosts(run);
  assert.equal(models.length, study.arms.length);
  for (const [i, { name, cacheBytes, flopsPerToken, recall }] of models.entries()) {
    const arm = study.arms[i]!, { kvBytes, stateBytes } = cacheSize(arm.config, study.sequenceLength);
    assert.equal(cacheBytes, kvBytes + stateBytes, name);
    assert.equal(flopsPerToken, updateFlops(study, arm) / (study.pretraining.batch * study.sequenceLength), name);
    const probes = run.recall.filter(({ arm }) => arm === name);
    const accuracies = probes.flatMap((probe) => probe.accuracies.map(({ accuracy }) => accuracy));
    const mean = accuracies.reduce((sum, x) => sum + x, 0) / accuracies.length;
    assert.ok(Math.abs(recall!.mean - mean) < 1e-12, name);
  }
});

Deno.test("frontier: the text names exactly the models that no other beats in price and loss at once", () => {
  const models = modelCosts(run), [cache] = frontierFindings(run);
  const named = new Set(cache!.slice(cache!.indexOf(": ") + 2, -1).split(", "));
  for (const { name, cacheBytes, loss } of models) {
    const beaten = models.some((other) =>
      other.cacheBytes <= cacheBytes && other.loss!.mean <= loss!.mean &&
      (other.cacheBytes < cacheBytes || other.loss!.mean < loss!.mean)
    );
    assert.equal(named.has(name), !beaten, name);
  }
  assert.ok(named.size > 0 && named.size < models.length, `${[...named]}`);
  assert.deepEqual(frontierFindings(syntheticRun({ preset: "smoke" })), []);
});

Deno.test("frontier: a table with every model and a picture, made by themselves for this suite alone", async () => {
  const [head, ...rows] = frontierCsv(run).trim().split("\n");
  assert.match(head!, /^model,cache_bytes,flops_per_token,pretrain_s,pretrain_low_s,pretrain_high_s,loss_nats/);
  assert.deepEqual(rows.map((row) => row.split(",")[0]), run.record.study.arms.map(({ name }) => name));
  assert.ok(rows.every((row) => row.split(",").every((cell) => cell !== "")));
  assert.deepEqual([...(await frontierChart(run)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
  assert.ok(availableArtifacts(run).includes("frontier"));
  assert.ok(!availableArtifacts(syntheticRun({ preset: "smoke" })).includes("frontier"));
});

Deno.test("frontier: without measured speeds there is neither a time nor a sentence about it", async () => {
  const rows = frontierCsv(plain).trim().split("\n").slice(1).map((row) => row.split(","));
  assert.ok(rows.every((row) => row.slice(3, 6).join("") === ""));
  assert.match(frontierFindings(plain).join("\n"), /seconds of stage 1, at the measured speed: not measured\./);
  assert.deepEqual([...(await frontierChart(plain)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
});
