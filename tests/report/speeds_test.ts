/** Speeds: the interval of the median, and the text if it is wide or nothing was measured. */
import { strict as assert } from "node:assert";
import { csvOf } from "../../core/report/csv.ts";
import { chartData } from "../../core/report/interactive/chart_data.ts";
import { budgetsCsv } from "../../core/report/budgets.ts";
import { metricsText } from "../../core/report/mod.ts";
import {
  NOT_MEASURABLE,
  NOT_MEASURED,
  speedOf,
  speedText,
  steadySpeed,
  timeNotes,
  trainingTime,
  trainingTimeText,
} from "../../core/report/speeds.ts";
import { leftOut } from "../../core/study/medians.ts";
import { summaryTable } from "../../cli/ui/summary.ts";
import { steadyRounds, syntheticRun, unsteadyRounds, withSpeeds } from "./synthetic_run.ts";

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

/** The cell of a table by its column, in the row of a model. */
function cellOf(csv: string, model: string, column: string): string | undefined {
  const [head = [], ...rows] = csv.trim().split("\n").map((row) => row.split(","));
  return rows.find(([name]) => name === model)?.[head.indexOf(column)];
}

const near = (a: number, b: number) => assert.ok(Math.abs(a / b - 1) < 1e-9, `${a} and ${b}`);

Deno.test("times are tokens at the measured speed, and not what the trainings took", () => {
  const plain = syntheticRun({ arms: ["mamba", "hymba"], seeds: 2 });
  const run = withSpeeds(plain, (arm) => arm === "mamba" ? steadyRounds(1000) : unsteadyRounds(1000));
  const tokens = run.results[0]?.stages.pretraining?.tokens ?? NaN, found = trainingTime(run, "mamba");
  assert.ok(found);
  near(found.mean, tokens / 1000);
  near(found.low, tokens / 1030);
  near(found.high, tokens / 970);
  near(Number(cellOf(csvOf(run), "mamba", "pretrain_s")), found.mean);
  near(Number(cellOf(csvOf(run), "mamba", "pretrain_high_s")), found.high);
  near(Number(cellOf(budgetsCsv(run), "mamba", "seconds")), found.mean);
  near(Number(cellOf(budgetsCsv(run), "mamba", "seconds_low")), found.low);
  // Other times of the trainings change nothing.
  const results = run.results.map((result) => {
    const { pretraining, ...rest } = result.stages;
    return { ...result, stages: { ...rest, ...(pretraining && { pretraining: { ...pretraining, train_s: 12345 } }) } };
  });
  const metrics = run.metrics.map((line) => line.kind === "train" ? { ...line, tokens_per_s: 7 } : line);
  const other = { ...run, results, metrics };
  assert.equal(csvOf(other), csvOf(run));
  assert.equal(budgetsCsv(other), budgetsCsv(run));
  assert.equal(metricsText(other), metricsText(run));
  assert.deepEqual(chartData(other), chartData(run));
  assert.equal(summaryTable(other), summaryTable(run));
});

Deno.test("where the speed is not steady, every output has the same words instead of a time", () => {
  const plain = syntheticRun({ arms: ["mamba", "hymba"] });
  const run = withSpeeds(plain, (arm) => arm === "mamba" ? steadyRounds(1000) : unsteadyRounds(1000));
  assert.equal(trainingTime(run, "hymba"), undefined);
  assert.equal(trainingTimeText(run, "hymba"), NOT_MEASURABLE);
  assert.equal(trainingTimeText(plain, "hymba"), NOT_MEASURED);
  assert.equal(cellOf(csvOf(run), "hymba", "pretrain_s"), NOT_MEASURABLE);
  assert.equal(cellOf(csvOf(plain), "hymba", "pretrain_s"), "");
  assert.equal(cellOf(budgetsCsv(run), "hymba", "seconds"), NOT_MEASURABLE);
  assert.equal(cellOf(budgetsCsv(run), "hymba", "seconds_ratio"), NOT_MEASURABLE);
  assert.equal(cellOf(budgetsCsv(plain), "hymba", "seconds"), "");
  assert.match(summaryTable(run), /^hymba .*not measurable here +not measurable here$/m);
  assert.match(metricsText(run), /^hymba +not measurable here +not measurable here +not measurable here$/m);
  assert.match(timeNotes(run).join(" "), /at most 6 % wide.*not measurable here: hymba\./);
  assert.deepEqual(timeNotes(plain), ["No time, because the speed was not measured: mamba, hymba."]);
});
