import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { Interrupted } from "../../core/errors.ts";
import { present } from "../../core/lists.ts";
import { runStudy } from "../../core/study/study.ts";
import { sweepCsv } from "../../core/report/sweep_report.ts";
import { expectedBest, meanLoss, type Outcome, runSweep } from "../../core/study/sweep.ts";
import { studyOfTrials, type Trial, trialAt } from "../../core/study/sweep_grid.ts";
import { resolvePreset } from "../../core/study_file/mod.ts";
import { fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const RATE = "pretraining.rate";

/** Trains nothing: the loss of each trial is a function of it. */
function trainer(lossOf: (trial: Trial, seed: number) => number | undefined) {
  const rounds: string[][] = [];
  const train = (trials: readonly Trial[], round: number): Promise<Outcome[]> => {
    rounds.push(trials.map(({ name }) => name));
    return Promise.resolve(trials.map((trial) => ({
      ...trial,
      round,
      losses: [10001, 10002].map((seed) => {
        const loss = lossOf(trial, seed);
        return { seed, ...(loss === undefined ? {} : { loss }) };
      }),
    })));
  };
  return { rounds, train };
}

/** A bowl in the logarithm of the rate, with its bottom at `best`. */
const bowl = (rate: unknown, best: number) => 2 + Math.log(Number(rate) / best) ** 2;

/** A sweep that is trained to its end. */
const swept = async (...given: Parameters<typeof runSweep>) => present(await runSweep(...given), "the outcome");

const over = [{ path: RATE, values: [1e-3, 2e-3, 4e-3] }];

Deno.test("an optimum inside the grid is chosen; one at its edge extends the grid by its ratio until it is inside", async () => {
  const best = { a: 2e-3, b: 16e-3, c: 3e-4 } as Record<string, number>;
  const { rounds, train } = trainer(({ arm, point }, seed) => bowl(point[RATE], best[arm] ?? NaN) + 1e-3 * (seed % 2));
  const { choices } = await swept(["a", "b", "c"], { over, perArm: true, extend: 3 }, train);
  assert.deepEqual(choices.map(({ arm, point, edge }) => [arm, point[RATE], edge]), [
    ["a", 2e-3, []],
    ["b", 16e-3, []],
    ["c", 2.5e-4, []],
  ]);
  assert.deepEqual(rounds.map((names) => names.length), [9, 2, 2, 2]);
  assert.deepEqual(rounds[1], ["b@rate=0.008", "c@rate=0.0005"]);
  assert.deepEqual(rounds[3], ["b@rate=0.032", "c@rate=0.000125"]);
});

Deno.test("a grid is extended a stated number of times; then its optimum is reported as not found", async () => {
  const { rounds, train } = trainer(({ point }) => -Math.log(Number(point[RATE])));
  const { choices } = await swept(["a"], { over, perArm: true, extend: 2 }, train);
  assert.deepEqual(choices[0]?.point, { [RATE]: 16e-3 });
  assert.deepEqual(choices[0]?.edge, [RATE]);
  assert.equal(rounds.length, 3);
});

Deno.test("whole numbers, values of zero and words are not extended, and only numbers have an edge", async () => {
  const axes = [
    { path: "pretraining.batch", values: [4, 8] },
    { path: "pretraining.decay", values: [0, 0.1] },
    { path: "pretraining.schedule", values: ["cosine", "wsd"] },
  ];
  const { rounds, train } = trainer(({ point }) => 3 - Number(point["pretraining.batch"]) / 100);
  const { choices } = await swept(["a"], { over: axes, perArm: true, extend: 3 }, train);
  assert.equal(rounds.length, 1);
  assert.deepEqual(choices[0]?.edge, ["pretraining.batch", "pretraining.decay"]);
  assert.equal(rounds[0]?.[0], "a@batch=4,decay=0,schedule=cosine");
});

Deno.test("a number that was tried alone is an edge: nothing says that it is the best", async () => {
  const { rounds, train } = trainer(({ point }) => bowl(point[RATE], 2e-3));
  const alone = [{ path: RATE, values: [2e-3] }];
  const { choices } = await swept(["a"], { over: alone, perArm: true, extend: 3 }, train);
  assert.deepEqual(choices.map(({ point, edge }) => [point[RATE], edge]), [[2e-3, [RATE]]]);
  assert.equal(rounds.length, 1, "there is no ratio to extend the grid by");
});

Deno.test("without a choice per model, one point of the lowest mean over the models serves all", async () => {
  const { rounds, train } = trainer(({ arm, point }) => bowl(point[RATE], arm === "a" ? 1e-3 : 4e-3));
  const { choices } = await swept(["a", "b"], { over, perArm: false, extend: 3 }, train);
  assert.deepEqual(choices.map(({ point }) => point[RATE]), [2e-3, 2e-3]);
  assert.equal(rounds.length, 1);
});

Deno.test("a key of one model is tried in it alone", async () => {
  const axes = [...over, { path: "arms.b.stateSize", values: [8, 16] }];
  const { rounds, train } = trainer(({ point }) => bowl(point[RATE], 2e-3) - Number(point["arms.b.stateSize"] ?? 0));
  for (const perArm of [true, false]) {
    const { choices } = await swept(["a", "b"], { over: axes, perArm, extend: 0 }, train);
    assert.deepEqual(choices.map(({ point }) => point), [{ [RATE]: 2e-3 }, { [RATE]: 2e-3, "arms.b.stateSize": 16 }]);
    assert.equal(rounds.pop()?.length, 3 + 6);
  }
});

Deno.test("a point that diverged with any seed is the worst; an arm that diverged everywhere has no choice", async () => {
  const { train } = trainer(({ arm, point }, seed) => {
    if (arm === "b" || (point[RATE] === 4e-3 && seed === 10002)) return undefined;
    return -Number(point[RATE]);
  });
  const { choices, outcomes } = await swept(["a", "b"], { over, perArm: true, extend: 3 }, train);
  assert.deepEqual(choices.map(({ arm, point, edge }) => [arm, point[RATE], edge]), [["a", 2e-3, []]]);
  assert.equal(outcomes.filter((outcome) => meanLoss(outcome) === Infinity).length, 4);
});

Deno.test("the expected best of k is the mean of the minimum over all sets of k", () => {
  const losses = [3.1, 2.2, Infinity, 2.9, 2.2, 5];
  const subsets = Array.from({ length: 2 ** losses.length }, (_, bits) => losses.filter((_, i) => bits & (1 << i)));
  for (const [i, got] of expectedBest(losses).entries()) {
    const minima = subsets.filter(({ length }) => length === i + 1).map((set) => Math.min(...set));
    const wanted = minima.reduce((sum, x) => sum + x, 0) / minima.length;
    assert.ok(got === wanted || Math.abs(got - wanted) < 1e-12, `k ${i + 1}: ${got}, not ${wanted}`);
  }
});

Deno.test("the expected best of k is over the grid as it was given: an extension adds no row and changes no number", async () => {
  const record = (outcomes: readonly Outcome[]) => ({
    ...{ format: 1 as const, study: "tiny", corpus: { name: "text", sha256: "0".repeat(64) }, over, perArm: true },
    ...{ extend: 1, seeds: [10001, 10002], rounds: 2, trials: [...outcomes], choices: [], values: {} },
  });
  // The lowest losses are beyond the grid.
  const { train } = trainer(({ point }, seed) => -Number(point[RATE]) + seed / 1e9);
  const plain = await swept(["a"], { over, perArm: true, extend: 0 }, train);
  const extended = await swept(["a"], { over, perArm: true, extend: 1 }, train);
  assert.ok(extended.outcomes.length > plain.outcomes.length);
  const rowsOf = (outcomes: readonly Outcome[]) => sweepCsv(record(outcomes)).match(/^best_of,.*$/gm);
  assert.equal(rowsOf(plain.outcomes)?.length, 2 * plain.outcomes.length);
  assert.deepEqual(rowsOf(extended.outcomes), rowsOf(plain.outcomes));
});

Deno.test("trials are arms with the values of their point; sizes stay matched", () => {
  const flags = { models: ["mamba", "hymba"], match: "parameters" as const };
  const { study: base } = resolvePreset("smoke", flags),
    axes = [{ path: RATE, values: [1e-3, 1e-2] }, {
      path: "model.layers",
      values: ["2m h"],
    }, { path: "model.stateSize", values: [4, 8] }];
  const trial = trialAt("hymba", { [RATE]: 1e-2, "model.stateSize": 8 }, axes);
  assert.equal(trial.name, "hymba@rate=0.01,statesize=8");
  const study = studyOfTrials([trial, trialAt("mamba", { [RATE]: 1e-3 }, axes)], {
    base,
    seeds: [10001],
    resolve: (more) => {
      const values = Object.fromEntries(more.map(({ path, value }) => [path, value]));
      assert.equal(values["arms.hymba.stateSize"], 8);
      return { ...base, arms: base.arms.map((arm) => ({ ...arm, pretraining: { rate: 1 } })) };
    },
  });
  assert.deepEqual(study.arms.map(({ name }) => name), ["hymba@rate=0.01,statesize=8", "mamba@rate=0.001"]);
  assert.deepEqual([study.lastStage, study.choosing, study.seeds], ["pretraining", true, [10001]]);
});

const corpus = madeUpCorpus(), FOLDER = "run";

/** Trains the first stage of two arms at two rates; `looks` checks later it is stopped. */
async function roundOf(disk: Disk, looks = Infinity): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 1 }), { signal } = new AbortController();
  let asked = 0;
  Object.defineProperty(signal, "aborted", { get: () => ++asked > looks });
  const tiny = tinyStudy({ arms: ["mamba", "hymba"], seeds: [10001, 10002] });
  const arms = tiny.arms.flatMap(({ name, config }) =>
    [1e-3, 1e-2].map((rate) => ({ name: `${name}@rate=${rate}`, config, pretraining: { rate } }))
  );
  try {
    const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, signal };
    await runStudy({ ...tiny, arms, lastStage: "pretraining" }, options);
  } finally {
    await executor.close();
  }
}

Deno.test("a round of a sweep that is stopped again and again ends with the bits of an undisturbed one", async () => {
  const straight = memoryDisk(), stopped = memoryDisk();
  await roundOf(straight);
  let stops = 0;
  for (;; stops++) {
    try {
      await roundOf(stopped, 12 + 4 * stops);
      break;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }
  assert.ok(stops >= 3, `${stops} stops`);
  assert.deepEqual(await fingerprint(stopped, FOLDER), await fingerprint(straight, FOLDER));
});
