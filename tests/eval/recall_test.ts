/** The recall task: a tuned rate for each arm, evaluations during training, early stopping, and the memory of an arm. */
import { strict as assert } from "node:assert";
import { cacheSize, type RecallConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { probeRecall } from "../../core/eval/recall.ts";
import { bestRate, type TriedRate, tryRates } from "../../core/eval/recall_rate.ts";
import { recallCsv } from "../../core/report/recall.ts";
import { carriedByArm, recallStateChart } from "../../core/report/recall_state.ts";
import { resolveSources } from "../../core/study_file/mod.ts";

const studyOf = (text: string) => resolveSources({ file: { path: "my.toml", text } }).study;

/** A task that attention learns in a few hundred small updates: two keys, one distance. */
const EASY = `models = ["transformer-global"]
[recall]
steps = 600
batch = 16
testBatches = 4
keys = 2
values = 2
length = 8
perRange = 2
ranges = [[2, 4]]
rate = 3e-3
evaluateEvery = 20
patience = 30
[recall.model]
dModel = 32
nLayers = 2
ffnHidden = 32
`;

Deno.test("recall: 4 to 64 pairs, widths 64 and 128, and states of 4, 16 and 64 are values of a study file", () => {
  for (const pairs of [4, 16, 64]) {
    for (const [D, N] of [[64, 4], [128, 64]] as const) {
      const text = `[recall]\nkeys = ${Math.max(16, pairs)}\nlength = ${8 * pairs}\nperRange = ${pairs / 4}\n` +
        `ranges = [[2, 4], [6, ${2 * pairs}], [8, ${2 * pairs}], [8, ${3 * pairs}]]\n` +
        `[recall.model]\ndModel = ${D}\nstateSize = ${N}\n`;
      const { recall } = studyOf(text);
      assert.deepEqual(
        new Set(recall!.arms.map(({ config }) => config.vocabSize)),
        new Set([Math.max(16, pairs) + 17]),
      );
      assert.ok(recall!.arms.every(({ config }) => config.dModel === D && config.stateSize === N));
      assert.equal(recall!.ranges.length * recall!.perRange, pairs);
    }
  }
});

Deno.test("recall: looks are not written where nobody asks for them, and patience needs them", () => {
  const { recall } = studyOf("");
  assert.ok(!("evaluateEvery" in recall!) && !("patience" in recall!));
  assert.throws(() => studyOf("[recall]\npatience = 3\n"), /my\.toml:2:1: recall\.patience[^]*recall\.evaluateEvery/);
});

Deno.test("recall: training ends when the task is solved, and says at which look nine of ten answers were right", async () => {
  const { recall } = studyOf(EASY), arm = recall!.arms[0]!, executor = await CpuExecutor.create({ threads: 1 });
  try {
    const found = await probeRecall(executor, arm, { recall: recall!, seed: 1 });
    assert.ok(found.steps < recall!.steps && found.steps % 20 === 0, `${found.steps} steps`);
    assert.ok(found.stepsTo90! > 0 && found.stepsTo90! <= found.steps, `${found.stepsTo90}`);
    assert.ok(found.accuracies[0]!.accuracy > 0.9, `${found.accuracies[0]!.accuracy}`);
    const { evaluateEvery: _, patience: __, ...plain } = recall!, short: RecallConfig = { ...plain, steps: 20 };
    const unwatched = await probeRecall(executor, arm, { recall: short, seed: 1 });
    assert.deepEqual([unwatched.steps, "stepsTo90" in unwatched], [20, false]);
    const watched = await probeRecall(executor, arm, { recall: { ...short, evaluateEvery: 10 }, seed: 1 });
    assert.deepEqual(watched.accuracies, unwatched.accuracies, "looking changes nothing");
    const tried = await tryRates(executor, arm, { recall: short, rates: [1e-6, 3e-3] });
    assert.deepEqual(tried.map(({ rate }) => rate), [1e-6, 1e-6, 3e-3, 3e-3]);
    assert.ok(tried.every(({ seed }) => seed > 1_000_000), "seeds of their own");
  } finally {
    await executor.close();
  }
});

Deno.test("recall: the rate with the most right answers is chosen, then the lower loss; one that diverged answers nothing", () => {
  const of = (rate: number, accuracy: number | undefined, loss: number | undefined): TriedRate => ({
    ...{ arm: "a", seed: 1, rate, accuracy, loss },
  });
  assert.equal(bestRate([of(1, 0.5, 2), of(2, 0.6, 3), of(3, undefined, undefined)]), 2);
  assert.equal(bestRate([of(1, 0.5, 2), of(2, 0.5, 1)]), 2);
  assert.equal(bestRate([of(1, 0.9, 1), of(1, undefined, undefined), of(2, 0.5, 1), of(2, 0.5, 1)]), 2);
  assert.equal(bestRate([of(1, undefined, undefined)]), undefined);
});

Deno.test("recall: the table and the picture say what each arm carries and how many seeds solve the task", async () => {
  const recall = studyOf('models = ["mamba", "transformer-global"]\n').recall!;
  const results = recall.arms.flatMap(({ name }, i) =>
    [1, 2].map((seed) => ({
      ...{ arm: name, seed, parameters: 1, steps: 60, loss: 1, train_s: 1, rate: 0.01, stepsTo90: i === 1 ? 40 : null },
      accuracies: recall.ranges.map(([least, most]) => ({
        least,
        most,
        queries: 9,
        accuracy: i === 1 && seed === 1 ? 1 : 0.2,
      })),
    }))
  );
  const probe = { recall, results, footer: "" }, [mamba, transformer] = carriedByArm(probe);
  const { kvBytes, stateBytes } = cacheSize(recall.arms[1]!.config, recall.length);
  assert.deepEqual([transformer!.bytes, transformer!.solved, transformer!.seeds], [kvBytes + stateBytes, 1, 2]);
  assert.deepEqual([mamba!.solved, mamba!.stepsTo90, transformer!.stepsTo90!.mean], [0, undefined, 40]);
  const [head, first] = recallCsv(probe).split("\n");
  assert.match(head!, /,rate,steps_to_90,carried_bytes$/);
  assert.match(first!, new RegExp(`,0\\.01,,${mamba!.bytes}$`));
  assert.deepEqual([...(await recallStateChart(probe)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
});
