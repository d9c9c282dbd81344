/** Keys of the stages: schedules, warm-up as a share, steps by tokens, AdamW, what an arm has of its own, budgets. */
import { strict as assert } from "node:assert";
import { studyOfArm } from "../../core/config/mod.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { corpusTokens, tokenizerSample } from "../../core/data/corpus_tokens.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import type { StudyConfig } from "../../core/config/mod.ts";
import { fittedStudy, tokenizerFor } from "../../core/study/fitted.ts";
import { matchedStudy, ofOneTime, updateFlops } from "../../core/study/match.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { madeUpCorpus } from "../study/tiny_study.ts";

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
    /my\.toml:3:1: pretraining\.tokens[^]*one of steps, tokens, epochs and flops[^]*got: +steps and tokens/,
  );
});

const ALL = ["steps", "tokens", "epochs", "flops"] as const;

Deno.test("of every two lengths: both in one source are refused, and a later source's holds against an earlier one's", () => {
  for (const first of ALL) {
    for (const second of ALL.filter((name) => name !== first)) {
      for (const table of ["pretraining", "arms.mamba.pretraining"]) {
        const text = `[${table}]\n${first} = 20\n${second} = 30\n`;
        assert.throws(() => studyOf(text), new RegExp(`my\\.toml:[23]:1: ${table}\\.[^]*one of steps, tokens, epochs`));
        const file = { path: "my.toml", text: `[${table}]\n${first} = 20\n` };
        const { values } = resolveSources({ file, flags: [{ flag: "--set", path: `${table}.${second}`, value: 30 }] });
        const found = ALL.filter((name) => values.has(`${table}.${name}`));
        assert.deepEqual([found, values.get(`${table}.${second}`)?.origin], [[second], {
          kind: "flag",
          flag: "--set",
        }]);
      }
    }
  }
});

const corpus = madeUpCorpus();
const tokenizerOf = async (study: StudyConfig) =>
  await tokenizerFor(systemDisk, (await tokenizerSample(corpus, study)).text, study);
const fitted = async (text: string) =>
  await fittedStudy(systemDisk, matchedStudy(resolved(text)), { corpus, say: () => {} });
const SMOKE = 'preset = "smoke"\nmodels = ["mamba", "hymba"]\n';

Deno.test("epochs are steps in which every sequence of the training part is drawn so many times, for every batch", async () => {
  const study = await fitted(`${SMOKE}[pretraining]\nepochs = 2\nwarmup = 0.1\n[arms.hymba.pretraining]\nbatch = 2\n`);
  const tokenizer = await tokenizerOf(study),
    { train } = await corpusTokens(systemDisk, corpus, { tokenizer, rule: study });
  for (const { name } of study.arms) {
    const { pretraining: { steps, batch: B, warmup, openLength } } = studyOfArm(study, { name });
    const { windows } = new BatchOrder(train, { B, T: study.sequenceLength, seed: 1 });
    assert.ok(steps * B >= 2 * windows && (steps - 1) * B < 2 * windows, `${name}: ${steps} steps`);
    assert.deepEqual([warmup, openLength], [Math.round(0.1 * steps), undefined]);
  }
  assert.deepEqual(JSON.parse(JSON.stringify(study)).pretraining.openLength, undefined);
});

Deno.test("flops are steps of each model by its own size, also with the vocabulary that the text supports", async () => {
  const study = await fitted(`${SMOKE}[pretraining]\nflops = 5e9\n[arms.hymba.pretraining]\nflops = 1e10\n`);
  for (const arm of study.arms) {
    const { steps } = studyOfArm(study, arm).pretraining, wanted = arm.name === "hymba" ? 1e10 : 5e9;
    assert.ok(Math.abs(steps * updateFlops(study, arm) / wanted - 1) < 0.02, `${arm.name}: ${steps} steps`);
  }
});

Deno.test("an arm in steps departs from a study in epochs, and the other way round", async () => {
  const epochs = await fitted(`${SMOKE}[pretraining]\nepochs = 1\n[arms.mamba.pretraining]\nsteps = 7\n`);
  const steps = await fitted(`${SMOKE}[pretraining]\nsteps = 7\n[arms.hymba.pretraining]\nepochs = 1\n`);
  const of = (study: typeof steps, name: string) => studyOfArm(study, { name }).pretraining;
  assert.deepEqual([of(epochs, "mamba").steps, of(steps, "mamba").steps], [7, 7]);
  assert.equal(of(epochs, "hymba").steps, of(steps, "hymba").steps);
  assert.ok(of(steps, "hymba").steps > 7);
  assert.ok(!JSON.stringify([epochs, steps]).includes("openLength"));
});

Deno.test("a length that cannot be is refused in words", () => {
  for (
    const [text, expected] of [
      ["[pretraining]\nepochs = 0", /my\.toml:2:1: pretraining\.epochs[^]*a number above 0/],
      ["[pretraining]\nflops = -1", /pretraining\.flops[^]*a number from 0/],
      ['budget = "seconds"\n[pretraining]\nflops = 1e9', /my\.toml:3:1: pretraining\.flops[^]*budget = "seconds"/],
      [
        '[pretraining]\nepochs = 3\nschedule = "wsd"\ndecayAt = [10]',
        /my\.toml:4:1: pretraining\.decayAt\n[^]*a length in steps or tokens[^]*epochs/,
      ],
    ] as const
  ) assert.throws(() => studyOf(text), expected);
});

Deno.test("an arm has a rate of its own, and nothing that the study says anyway", () => {
  const study = studyOf("[arms.mamba.pretraining]\nrate = 8e-3\nsteps = 700\n[arms.hymba]\ninnerNorms = false\n");
  const own = Object.fromEntries(study.arms.map((arm) => [arm.name, studyOfArm(study, arm).pretraining.rate]));
  assert.deepEqual([own.mamba, own.hymba], [8e-3, 4e-3]);
  assert.deepEqual(study.arms.map(({ pretraining }) => pretraining), [{ rate: 8e-3 }, ...Array(4).fill(undefined)]);
});

Deno.test("rates by group of parameters: not written where usual, an arm can have its own, and not with f16", () => {
  assert.ok(!("rateScaling" in studyOf("").pretraining || "rateWidth" in studyOf("").pretraining));
  const text =
    '[pretraining]\nrateScaling = "width"\nrateWidth = 128\n[arms.mamba.pretraining]\nrateScaling = "none"\n';
  const study = studyOf(text), { rateScaling, rateWidth } = study.pretraining;
  assert.deepEqual([rateScaling, rateWidth, study.orpo.rateScaling], ["width", 128, undefined]);
  assert.equal(studyOfArm(study, { name: "mamba" }).pretraining.rateScaling, "none");
  const refused = (text: string, place: RegExp) => assert.throws(() => studyOf(`precision = "f16"\n${text}`), place);
  refused(
    '[pretraining]\nrateScaling = "width"\n',
    /my\.toml:3:1: pretraining\.rateScaling[^]*expected: none with precision f16/,
  );
  refused('[arms.a.pretraining]\nrateScaling = "width"\n', /my\.toml:3:1: arms\.a\.pretraining\.rateScaling/);
});

Deno.test("tensor cores: written where they are on, and only with f16", () => {
  assert.equal(studyOf('precision = "f16"\ntensorCores = "on"\n').tensorCores, true);
  for (const choice of ["auto", "off"]) {
    assert.ok(!("tensorCores" in studyOf(`precision = "f16"\ntensorCores = "${choice}"\n`)));
  }
  for (const precision of ['precision = "bf16"\n', ""]) {
    assert.throws(
      () => studyOf(`${precision}tensorCores = "on"\n`),
      /my\.toml:\d:1: tensorCores[^]*expected: auto or off, or precision f16/,
    );
  }
});

Deno.test("an arm goes back to the usual schedule and the usual AdamW", () => {
  const study = studyOf(
    '[pretraining]\nschedule = "wsd"\nbeta1 = 0.8\n[arms.mamba.pretraining]\nschedule = "cosine"\nbeta1 = 0.9\n',
  );
  const { schedule, optimizer } = studyOfArm(study, { name: "mamba" }).pretraining;
  assert.deepEqual([schedule, optimizer], ["cosine", { beta1: 0.9, beta2: 0.95, eps: 1e-8, clip: 1 }]);
  assert.equal(studyOfArm(study, { name: "hymba" }).pretraining.schedule, "wsd");
});

Deno.test("steps of a later source hold against the tokens of an arm in an earlier one", () => {
  const file = { path: "my.toml", text: "[arms.mamba.pretraining]\ntokens = 100_000\n" };
  const flags = [{ flag: "--set", path: "arms.mamba.pretraining.steps", value: 20 }];
  const { study } = resolveSources({ file, flags });
  assert.equal(studyOfArm(study, { name: "mamba" }).pretraining.steps, 20);
});

Deno.test("a smaller vocabulary keeps what an arm has of its own, and the budget", async () => {
  const study = matchedStudy(
    resolved(
      'preset = "smoke"\nmodels = ["hymba", "mamba"]\nbudget = "flops"\n[arms.mamba.pretraining]\nrate = 0.5\nbatch = 1\n',
    ),
  );
  const corpus = { ...madeUpCorpus(), text: "a small text of few words ".repeat(200) }, said: string[] = [];
  const fitted = await fittedStudy(systemDisk, study, { corpus, say: (line) => said.push(line) });
  assert.ok(fitted.vocabSize < study.vocabSize && said.length > 0);
  const [first, second] = fitted.arms.map((arm) => studyOfArm(fitted, arm).pretraining);
  assert.deepEqual([second?.rate, second?.batch], [0.5, 1]);
  const flops = fitted.arms.map((arm) => updateFlops(fitted, arm));
  assert.ok(Math.abs(first!.steps * flops[0]! - second!.steps * flops[1]!) <= flops[1]! / 2 + 1);
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

Deno.test("an arm with batches of its own gets as many tokens as the others, unless it says how many", () => {
  const text = 'preset = "smoke"\nmodels = ["hymba", "mamba"]\n[arms.mamba.pretraining]\n';
  const study = resolved(`${text}batch = 16\n`).study, { steps, batch } = study.pretraining;
  assert.deepEqual(studyOfArm(study, { name: "mamba" }).pretraining.steps, Math.round(steps * batch / 16));
  const own = resolved(`${text}batch = 16\nsteps = ${steps}\n`).study;
  assert.deepEqual(studyOfArm(own, { name: "mamba" }).pretraining.steps, steps);
});

Deno.test("a budget of parameters matches the sizes and says so; it does not go with no match", () => {
  const { study, values } = resolved('preset = "smoke"\nbudget = "parameters"\n');
  assert.deepEqual([study.match, study.budget], ["parameters", undefined]);
  assert.deepEqual(values.get("match")?.origin, { kind: "rule", rule: "budget parameters" });
  assert.throws(() => resolved('budget = "parameters"\nmatch = "none"\n'), /match[^]*budget = "parameters" decides it/);
});

Deno.test("a budget of seconds gives every arm the measured time of the first one, to within half an update", () => {
  const study = matchedStudy(resolved('budget = "seconds"\nmodels = ["hymba", "mamba"]\n')),
    { steps } = study.pretraining;
  const timed = ofOneTime(study, { hymba: 0.03, mamba: 0.02 });
  assert.deepEqual(timed.arms.map((arm) => studyOfArm(timed, arm).pretraining.steps), [steps, Math.round(steps * 1.5)]);
  assert.equal(timed.budget, "seconds");
});
