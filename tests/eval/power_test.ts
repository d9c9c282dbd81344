/** Seeds that a study needs: the known tables of the t test, and a run whose seeds scatter by a known amount. */
import { strict as assert } from "node:assert";
import { detectable, deviationInterval, powerOf, type Scatter, seedsNeeded } from "../../core/eval/power.ts";
import { powerReport, powerTable } from "../../core/report/power.ts";
import { loadStudent } from "../../core/student.ts";
import { syntheticRun, withTokenLosses } from "../report/synthetic_run.ts";

await loadStudent();

const PAIRED: Scatter = { deviation: 1, freedom: 9, arms: 2, textError: 0 };

/** Source: power.t.test(type = "paired", power = 0.8) of R: n for a difference in standard deviations, rounded up. */
const SEEDS: readonly (readonly [detect: number, seeds: number])[] = [[2, 5], [1, 10], [0.5, 34], [0.2, 199]];

Deno.test("power: the seeds for 80 of 100 are those of R's power.t.test", () => {
  for (const [detect, seeds] of SEEDS) assert.equal(seedsNeeded(PAIRED, { detect, power: 0.8, level: 0.05 }), seeds);
});

Deno.test("power: with no difference it is the level, and it grows with seeds", () => {
  assert.ok(Math.abs(powerOf(PAIRED, { detect: 0, level: 0.05 }, 6) - 0.05) < 1e-3);
  const rising = [2, 3, 5, 9, 20].map((n) => powerOf(PAIRED, { detect: 1, level: 0.05 }, n));
  assert.deepEqual(rising, rising.toSorted((a, b) => a - b));
  assert.equal(powerOf(PAIRED, { detect: 1, level: 0.05 }, 1), 0);
});

Deno.test("power: what so many seeds detect is what so many seeds are needed for", () => {
  const aim = { power: 0.8, level: 0.05 }, found = detectable(PAIRED, aim, 10);
  assert.ok(Math.abs(powerOf(PAIRED, { detect: found, level: 0.05 }, 10) - 0.8) < 0.002);
});

Deno.test("power: the noise of the text is a floor that no number of seeds lowers", () => {
  const aim = { detect: 0.05, power: 0.8, level: 0.05 }, scatter = { ...PAIRED, deviation: 0.05 };
  assert.equal(seedsNeeded({ ...scatter, textError: 0.03 }, aim), undefined);
  assert.ok(seedsNeeded({ ...scatter, textError: 0.01 }, aim)! >= seedsNeeded(scatter, aim)!);
});

Deno.test("power: the interval of a standard deviation of three seeds is that of χ² with 2 degrees of freedom", () => {
  const [low, high] = deviationInterval({ ...PAIRED, freedom: 2 });
  // χ² with 2 degrees of freedom is −2 ln(1 − p).
  assert.ok(Math.abs(low - Math.sqrt(2 / (-2 * Math.log(0.025)))) < 1e-6);
  assert.ok(Math.abs(high - Math.sqrt(2 / (-2 * Math.log(0.975)))) < 1e-6);
});

Deno.test("power: a report has a row for every pair and every factor, and refuses a run with one seed", () => {
  const run = withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"], seeds: 3 }), () => 0);
  const report = powerReport(run, { detect: 0.05, power: 0.8 }), [row] = report.rows;
  assert.equal(report.rows.length, 1);
  assert.ok(row!.needed !== null && row!.needed_interval[0]! <= row!.needed && row!.needed <= row!.needed_interval[1]!);
  assert.equal(powerTable(report).rows[0]!.length, powerTable(report).columns.length);
  const factorial = withTokenLosses(syntheticRun({ suite: "factorial", seeds: 2 }), () => 0);
  assert.equal(powerReport(factorial, { detect: 0.05, power: 0.8 }).rows.length, 3 + 28);
  const single = withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"] }), () => 0);
  assert.throws(() => powerReport(single, { detect: 0.05, power: 0.8 }), /two seeds or more/);
});
