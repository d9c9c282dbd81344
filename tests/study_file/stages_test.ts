/** Keys of the stages: schedules, warm-up as a share, steps by tokens, AdamW, what an arm has of its own, budgets. */
import { strict as assert } from "node:assert";
import { studyOfArm } from "../../core/config/mod.ts";
import { matchedStudy, updateFlops } from "../../core/study/match.ts";
import { resolveSources } from "../../core/study_file/mod.ts";

const resolved = (text: string) => resolveSources({ file: { path: "my.toml", text } });
const studyOf = (text: string) => resolved(text).study;

Deno.test("what is usual is not written, so old runs are the same studies", () => {
  assert.deepEqual(Object.keys(studyOf("").pretraining), [
    "steps",
    "rate",
    "warmup",
    "decay",
    "batch",
    "evaluateEvery",
  ]);
});

Deno.test("schedule, AdamW, checkpoints, and a warm-up as a share", () => {
  const text = '[pretraining]\nschedule = "wsd"\ncooldown = 0.1\nwarmup = 0.05\nbeta2 = 0.99\ncheckpointEvery = 50\n';
  const { schedule, cooldown, warmup, optimizer, checkpointEvery } = studyOf(text).pretraining;
  assert.deepEqual([schedule, cooldown, warmup, checkpointEvery], ["wsd", 0.1, 35, 50]);
  assert.deepEqual(optimizer, { beta1: 0.9, beta2: 0.99, eps: 1e-8, clip: 1 });
});

Deno.test("steps by tokens; a later source's steps hold against an earlier one's tokens; both at once are refused", () => {
  assert.equal(studyOf("[pretraining]\ntokens = 100_000\n").pretraining.steps, Math.ceil(100_000 / (8 * 96)));
  const file = { path: "my.toml", text: "[pretraining]\ntokens = 100_000\n" };
  const flags = [{ flag: "--steps", path: "pretraining.steps", value: 20 }];
  assert.equal(resolveSources({ file, flags }).study.pretraining.steps, 20);
  assert.throws(
    () => studyOf("[pretraining]\nsteps = 3\ntokens = 100\n"),
    /my\.toml:3:1: pretraining\.tokens[^]*not both/,
  );
});

Deno.test("an arm has a rate of its own, and nothing that the study says anyway", () => {
  const study = studyOf("[arms.mamba.pretraining]\nrate = 8e-3\nsteps = 700\n[arms.hymba]\ninnerNorms = false\n");
  const own = Object.fromEntries(study.arms.map((arm) => [arm.name, studyOfArm(study, arm).pretraining.rate]));
  assert.deepEqual([own.mamba, own.hymba], [8e-3, 4e-3]);
  assert.deepEqual(study.arms.map(({ pretraining }) => pretraining), [{ rate: 8e-3 }, ...Array(4).fill(undefined)]);
});

Deno.test("a budget of flops gives every arm the operations of the first one, to within half an update", () => {
  const study = matchedStudy(resolved('budget = "flops"\nmodels = ["hymba", "mamba", "transformer-global"]\n'));
  const [first, ...others] = study.arms.map((arm) => {
    const { steps } = studyOfArm(study, arm).pretraining, update = updateFlops(study, arm);
    return { steps, update, all: steps * update };
  });
  for (const { all, update } of others) assert.ok(Math.abs(all - first!.all) <= update / 2 + 1);
  assert.ok(new Set(others.map(({ steps }) => steps)).size > 1);
});
