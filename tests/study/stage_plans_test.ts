/** A study, its memory check and its estimate use the same plans. */
import { strict as assert } from "node:assert";
import type { PreferenceConfig, StudyConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { memoryDisk } from "../../core/disk/mod.ts";
import type { Plan } from "../../core/plan/mod.ts";
import { present } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { stageFlops, studyFlops } from "../../core/study/estimate.ts";
import { updateFlops } from "../../core/study/match.ts";
import { trainingSpeed } from "../../core/study/speeds.ts";
import { plansOf, stagePlans } from "../../core/study/stage_plans.ts";
import { runStudy } from "../../core/study/study.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const ARMS = ["mamba", "hymba"];

const flopsOf = ({ steps }: Plan) => steps.reduce((sum, { flops }) => sum + flops, 0);
const isTraining = ({ name }: Plan) => /^(training|ORPO) /.test(name);
const isEvaluation = ({ name }: Plan) => name.startsWith("evaluation ");

/** Runs a study, and tells of each stage which plans it prepared and which the memory check saw, and what was computed. */
async function observed(study: StudyConfig) {
  const executor = await CpuExecutor.create({ threads: 1 }), checked: Record<string, Plan[]> = {};
  const prepared: Record<string, Plan[]> = {}, flops = { training: 0, evaluation: 0 };
  let stage = "";
  const requireRoom = executor.requireRoom.bind(executor), prepare = executor.prepare.bind(executor);
  executor.requireRoom = (needs) => {
    const listed = [...needs];
    for (const { plans, who } of listed) checked[who] = [...plans];
    requireRoom(listed);
  };
  executor.prepare = async (plan) => {
    const program = await prepare(plan), run = program.run.bind(program);
    if (isTraining(plan) || isEvaluation(plan)) (prepared[stage] ??= []).push(plan);
    program.run = () => {
      if (isTraining(plan)) flops.training += flopsOf(plan);
      if (isEvaluation(plan)) flops.evaluation += flopsOf(plan);
      return run();
    };
    return program;
  };
  const told = ({ kind, ...event }: { kind: string; arm: string; stage?: string }) => {
    if (kind === "stage") stage = `${event.arm}, ${event.stage}`;
  };
  const options = { executor, corpus: madeUpCorpus(), disk: memoryDisk(), folder: "run", environment: ENVIRONMENT };
  try {
    const { record } = await runStudy(study, { ...options, onEvent: told });
    return { checked, prepared, flops, validationTokens: record.data.validationTokens, executor };
  } finally {
    await executor.close();
  }
}

const STUDIES: Readonly<Record<string, Partial<PreferenceConfig>>> = {
  "ORPO on samples": {},
  "ORPO on corrupted pairs": { rejected: "corrupt" },
  "the seed's second stage": { loss: "seed" },
};

for (const [name, preference] of Object.entries(STUDIES)) {
  Deno.test(`${name}: the run, the memory check and the estimate have the same plans`, async () => {
    const tiny = tinyStudy({ arms: ARMS }), study = { ...tiny, preference: { ...tiny.preference, ...preference } };
    const { checked, prepared, flops, validationTokens, executor } = await observed(study);
    assert.equal(Object.keys(prepared).length, ARMS.length * (preference.loss === "seed" ? 2 : 3));
    const about = (plan: Plan) => ({ name: plan.name, flops: flopsOf(plan), ...executor.memoryOf(plan) });
    const all = (plans: Record<string, Plan[]>) =>
      Object.fromEntries(Object.entries(plans).map(([stage, of]) => [stage, of.map(about)]));
    assert.deepEqual(all(checked), all(prepared));
    const { training, evaluation } = studyFlops(study, { validationTokens });
    assert.deepEqual({ training, evaluation }, flops);
  });
}

/** A study whose first stage uses every option of a plan. */
function withEveryOption(): StudyConfig {
  const tiny = tinyStudy({ arms: ["hymba"] }), optimizer = { beta1: 0.8, beta2: 0.9, eps: 1e-6, clip: 2 };
  const pretraining = { ...tiny.pretraining, accumulate: 2, optimizer, rateScaling: "width", rateWidth: 8 } as const;
  return { ...tiny, pretraining, precision: "bf16", remat: true };
}

Deno.test("a budget of flops and the estimate count the same update", () => {
  const study = withEveryOption(), arm = present(study.arms[0], "an arm"), store = new ParameterStore(arm.config);
  const { update } = stageFlops(study, arm, { store, stage: "pretraining", held: { validationTokens: 100 } });
  assert.equal(updateFlops(study, arm), update);
});

Deno.test("the measured speed is that of the plans of the run", async () => {
  const study = withEveryOption(), executor = await CpuExecutor.create({ threads: 1 }), timed: Plan[] = [];
  const store = new ParameterStore(present(study.arms[0], "an arm").config), prepare = executor.prepare.bind(executor);
  executor.prepare = (plan) => {
    timed.push(plan);
    return prepare(plan);
  };
  try {
    store.initialise(executor, 1);
    await trainingSpeed(store, { executor, study, tokens: { tokens: new Uint32Array(200), starts: [0], bytes: 200 } });
  } finally {
    await executor.close();
  }
  const { training } = stagePlans(study, store, { stage: "pretraining" });
  const stepsOf = ({ name, steps }: Plan) => [name, ...steps.map(({ op, attributes }) => [op.name, attributes])];
  assert.deepEqual(timed.map(stepsOf), plansOf(training).map(stepsOf));
});

Deno.test("the estimate counts sampled continuations only where they are sampled, and every seed", () => {
  const tiny = tinyStudy({ arms: ARMS }), size = { validationTokens: 100 }, sampled = studyFlops(tiny, size);
  const corrupted = studyFlops({ ...tiny, preference: { ...tiny.preference, rejected: "corrupt" } }, size);
  assert.ok(corrupted.sampling > 0 && corrupted.sampling < sampled.sampling);
  assert.deepEqual({ ...corrupted, sampling: 0 }, { ...sampled, sampling: 0 });
  const twice = studyFlops({ ...tiny, seeds: [1, 2] }, size);
  for (const [part, flops] of Object.entries(sampled)) assert.equal(twice[part as "training"], 2 * flops, part);
});
