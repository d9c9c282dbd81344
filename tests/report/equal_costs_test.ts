/** Models at equal cost: losses that follow a known rule are found again on every axis, and shorter trainings are no models. */
import { strict as assert } from "node:assert";
import type { Arm } from "../../core/config/mod.ts";
import type { Run } from "../../core/record/mod.ts";
import { withoutBranches } from "../../core/report/branches.ts";
import { equalCosts, equalCostsCsv, interpolated } from "../../core/report/equal_costs.ts";
import { availableArtifacts, metricsText } from "../../core/report/mod.ts";
import { budgetOf } from "../../core/study/budgets.ts";
import { steadyRounds, syntheticRun, unsteadyRounds, withSpeeds } from "./synthetic_run.ts";

const LEVEL: Readonly<Record<string, number>> = { mamba: 9, hymba: 9.5 };
/** What a seed adds to the loss of a model, so that differences scatter a little. */
const noiseOf = (model: string, seed: number) => (model === "mamba" ? 0.01 : -0.01) * (seed - 2);

/** Two models of 10, 20 and 40 steps, whose loss falls by 0.3 nats for each factor e of arithmetic. */
function trained(): Run {
  const whole = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke", seeds: 3 }), { study } = whole.record;
  const pretraining = { ...study.pretraining, steps: 40 };
  const arms = study.arms.flatMap((arm): Arm[] => [
    arm,
    ...[10, 20].map((steps) => ({
      ...arm,
      name: `${arm.name}@steps=${steps}`,
      trunk: arm.name,
      pretraining: { steps },
    })),
  ]);
  const record = { ...whole.record, study: { ...study, pretraining, arms, lastStage: "pretraining" as const } };
  const results = arms.flatMap((arm) => {
    const model = arm.trunk ?? arm.name;
    return whole.results.filter((result) => result.arm === model).map((result) => {
      const { flops } = budgetOf(record.study, arm), { pretraining: stage } = result.stages;
      assert.ok(stage);
      const loss = (LEVEL[model] ?? NaN) - 0.3 * Math.log(flops / 1e6) + noiseOf(model, result.seed);
      const final = { ...stage.final, loss, perplexity: Math.exp(loss) };
      return { ...result, arm: arm.name, stages: { pretraining: { ...stage, final } } };
    });
  });
  return { ...whole, record, results, tokenLosses: [], test: undefined };
}

Deno.test("a loss between two costs lies on a straight line over their logarithm, and there is none outside", () => {
  const costs = [10, 100, 1000], values = [3, 2, 1];
  assert.equal(interpolated(costs, values, 100), 2);
  assert.ok(Math.abs((interpolated(costs, values, Math.sqrt(1e5)) ?? NaN) - 1.5) < 1e-12);
  assert.equal(interpolated(costs, values, 1001), undefined);
  assert.equal(interpolated(costs, values, 9), undefined);
  assert.equal(interpolated(costs, [undefined, 2, 1], 20), undefined);
});

Deno.test("at equal arithmetic the difference of two models is that of their rules, with an interval over the seeds", () => {
  const run = trained(), flops = equalCosts(run).filter(({ axis }) => axis === "flops");
  const costs = [...new Set(flops.map(({ cost }) => cost))];
  assert.equal(costs.length, 2, "the shortest length of the cheaper model is below all of the other's");
  for (const { cost, model, loss, above } of flops) {
    const expected = (LEVEL[model] ?? NaN) - 0.3 * Math.log(cost / 1e6);
    assert.ok(Math.abs(loss - expected) < 1e-9, `${model} at ${cost}: ${loss} for ${expected}`);
    if (model === "mamba") assert.equal(above, undefined);
    else {
      assert.ok(above?.interval && Math.abs(above.mean - 0.5) < 1e-9);
      const [low, high] = above.interval;
      assert.ok(low < 0.5 - 0.01 && high > 0.5 + 0.01 && high < 0.7, `${low} to ${high}`);
    }
  }
});

Deno.test("at equal tokens every length counts, and each model has its own loss there", () => {
  const run = trained(), tokens = equalCosts(run).filter(({ axis }) => axis === "tokens");
  const { arms } = run.record.study;
  assert.equal(tokens.length, arms.length);
  for (const { cost, model, loss } of tokens) {
    const arm = arms.find((each) =>
      (each.trunk ?? each.name) === model && budgetOf(run.record.study, each).tokens === cost
    );
    const results = run.results.filter((result) => result.arm === arm?.name);
    const mean = results.reduce((sum, { stages }) => sum + (stages.pretraining?.final.loss ?? NaN), 0) / results.length;
    assert.ok(Math.abs(loss - mean) < 1e-9, `${model} at ${cost}`);
  }
});

Deno.test("shorter trainings are in the table of equal costs, and in no ranking", () => {
  const run = trained(), text = metricsText(run);
  assert.match(text, /AT EQUAL COST/);
  assert.doesNotMatch(text, /@steps/);
  assert.doesNotMatch(text, /AFTER ORPO/, "no table of a stage that the study does not have");
  assert.deepEqual(withoutBranches(run).record.study.arms.map(({ name }) => name), ["mamba", "hymba"]);
  assert.equal(withoutBranches(withoutBranches(run)), withoutBranches(run));
  assert.equal(equalCostsCsv(run).split("\n")[0], "axis,cost,model,loss_nats,above_best_nats,low,high,seeds,part");
  assert.ok(availableArtifacts(run).includes("equalCosts"));
  assert.ok(!availableArtifacts(withoutBranches(run)).includes("equalCosts"));
});

Deno.test("at equal time the measured speed decides: a model of half the speed has half the tokens", () => {
  const run = withSpeeds(trained(), (arm) => steadyRounds(arm === "mamba" ? 1000 : 500));
  const seconds = equalCosts(run).filter(({ axis }) => axis === "seconds");
  const { pretraining: { batch }, sequenceLength } = run.record.study, tokens = batch * sequenceLength;
  assert.deepEqual([...new Set(seconds.map(({ cost }) => cost))], [20, 40].map((steps) => steps * tokens / 1000));
  const lossOf = (arm: string) => {
    const losses = run.results.filter((result) => result.arm === arm).map(({ stages }) =>
      stages.pretraining?.final.loss ?? NaN
    );
    return losses.reduce((sum, x) => sum + x, 0) / losses.length;
  };
  for (const [model, cost, arm] of [["mamba", 20, "mamba@steps=20"], ["hymba", 20, "hymba@steps=10"]] as const) {
    const found = seconds.find((one) => one.model === model && one.cost === cost * tokens / 1000);
    assert.ok(found && Math.abs(found.loss - lossOf(arm)) < 1e-9, model);
  }
});

Deno.test("without steady speeds of all models nothing is compared at equal time, and the table says so", () => {
  const plain = trained();
  assert.match(equalCostsCsv(plain), /^seconds,not measured$/m);
  const run = withSpeeds(plain, (arm) => arm === "mamba" ? steadyRounds(1000) : unsteadyRounds(500));
  assert.deepEqual(equalCosts(run).filter(({ axis }) => axis === "seconds"), []);
  assert.match(equalCostsCsv(run), /^seconds,not measurable here$/m);
  assert.match(metricsText(run), /No time, because the speed was not measurable\s+here: hymba/);
});
