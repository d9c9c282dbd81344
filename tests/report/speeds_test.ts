/** Speeds: the interval of the median, and the text if it is wide or nothing was measured. */
import { strict as assert } from "node:assert";
import { csvOf } from "../../core/report/csv.ts";
import { leftOut, NOT_MEASURABLE, NOT_MEASURED, speedOf, speedText, steadySpeed } from "../../core/report/speeds.ts";
import { syntheticRun } from "./synthetic_run.ts";

const choose = (n: number, k: number): number => k === 0 ? 1 : choose(n - 1, k - 1) * n / k;

Deno.test("speeds: the interval covers the median in at least 95 % of cases, and one round less would not", () => {
  for (let n = 6; n < 60; n++) {
    const outside = (k: number) =>
      Array.from({ length: k + 1 }, (_, i) => 2 * choose(n, i) / 2 ** n).reduce((a, b) => a + b);
    assert.ok(outside(leftOut(n)) <= 0.05, `${n} rounds`);
    assert.ok(outside(leftOut(n) + 1) > 0.05, `${n} rounds`);
  }
  assert.deepEqual([7, 9, 12].map(leftOut), [0, 1, 2]);
});

/** A run with two arms whose rounds are given. */
function runWith(rounds: readonly (readonly number[])[]) {
  const run = syntheticRun({ arms: ["mamba", "hymba"] });
  const arms = ["mamba", "hymba"].map((arm, i) => ({
    arm,
    training_tokens_per_s: rounds[i] ?? [],
    generation_tokens_per_s: rounds[i] ?? [],
  }));
  return { ...run, speeds: { format: 1 as const, arms } };
}

Deno.test("speeds: a steady one is shown with its interval, an unsteady one in words and without a bar", () => {
  const run = runWith([[100, 90, 101, 102, 103, 104, 105, 106, 500], [100, 140, 100, 140, 100, 140, 100, 140, 100]]);
  assert.deepEqual(speedOf(run, "mamba", "training"), {
    mean: 103,
    low: 100,
    high: 106,
    deviation: undefined,
    count: 9,
  });
  assert.equal(speedText(run, "mamba", "training"), "103.0 (100.0 to 106.0)");
  assert.equal(speedText(run, "hymba", "generation"), NOT_MEASURABLE);
  assert.equal(steadySpeed(run, "hymba", "generation"), undefined);
  const [head = "", mamba = "", hymba = ""] = csvOf(run).split("\n"),
    column = head.split(",").indexOf("training_tokens_per_s");
  assert.deepEqual([mamba, hymba].map((row) => row.split(",").slice(column, column + 3)), [
    ["103", "100", "106"],
    [NOT_MEASURABLE, "100", "140"],
  ]);
});

Deno.test("speeds: a run without a measurement shows none, whatever its training took", () => {
  const run = syntheticRun({ arms: ["mamba"] });
  assert.equal(speedText(run, "mamba", "training"), NOT_MEASURED);
  const [head = "", row = ""] = csvOf(run).split("\n");
  assert.equal(row.split(",")[head.split(",").indexOf("generation_tokens_per_s")], "");
});
