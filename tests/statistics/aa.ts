/**
 * A/A: one model against itself with other seeds must show "no difference" in 93 to 97 of 100 comparisons.
 * Trains the smallest Transformer with many seeds, then draws again and again three (or five) seeds for one side and as many
 * others for the other, and compares them as a study compares two arms; a thousand draws tell 95 from 97, a hundred do not.
 * `deno run -A tests/statistics/aa.ts [--trainings N]`: about two minutes.
 */
import { parseArgs } from "node:util";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { partOf, predictedTokens } from "../../core/data/parts.ts";
import { splitText } from "../../core/data/split.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { ArchType } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { compareLosses, differs } from "../../core/eval/comparison.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { permutation } from "../../core/random.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";

const { values } = parseArgs({ options: { trainings: { type: "string", default: "80" } } });
const trainings = Number(values.trainings);

const study = studyOf("smoke", { models: [ArchType.TRANSFORMER_GLOBAL] }), { config } = study.arms[0]!;
const { sequenceLength: T, pretraining } = study, executor = await CpuExecutor.create({});
const corpus = await resolveCorpus({ onProgress: (line) => console.error(line) });
const parts = splitText(corpus.text.slice(0, study.characters), study);
const means = { tokenizer: trainTokenizer(parts.train.join(""), { vocabSize: study.vocabSize }), T };
const tokens = {
  train: partOf("train", parts.train, means),
  validation: partOf("validation", parts.validation, means),
};

/** Losses of all validation tokens of one training (nats). */
async function trained(seed: number): Promise<Float32Array> {
  const store = new ParameterStore(config);
  store.initialise(executor, seed);
  const { batch: B, decay } = pretraining, order = new BatchOrder(tokens.train, { B, T, seed });
  const objective = textObjective(trainingPlan(store, { B, T, decay }), order);
  const trainer = await Trainer.create(executor, store, { name: `seed ${seed}`, objective, schedule: pretraining });
  for await (const _ of trainer.run());
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B: 32, T }));
  const logps = await scorer.tokenLogps(tokens.validation);
  for (const used of [trainer, scorer]) used.dispose();
  store.release(executor);
  return logps.map((logp) => -logp);
}

const losses: Float32Array[] = [];
for (let seed = 1; seed <= trainings; seed++) losses.push(await trained(seed));
await executor.close();
const levels = losses.map((nats) => nats.reduce((sum, x) => sum + x, 0) / nats.length);
const level = levels.reduce((sum, x) => sum + x, 0) / trainings;
const deviation = Math.sqrt(levels.reduce((sum, x) => sum + (x - level) ** 2, 0) / (trainings - 1));

for (const [side, comparisons] of [[3, 100], [5, 100], [3, 1000], [5, 1000]] as const) {
  let same = 0;
  for (let draw = 0; draw < comparisons; draw++) {
    const order = permutation(trainings, { seed: side, stream: 100, step: draw });
    const pairs = Array.from({ length: side }, (_, i) => ({ a: losses[order[i]!]!, b: losses[order[side + i]!]! }));
    if (!differs(compareLosses(pairs, { block: T }))) same++;
  }
  console.log(`${side} against ${side} seeds: no difference in ${same} of ${comparisons}`);
}
console.log(
  `${trainings} trainings of ${config.archType}, ${pretraining.steps} steps, ${
    predictedTokens(tokens.validation)
  } validation ` +
    `tokens: loss ${level.toFixed(4)}, standard deviation of the seeds ${deviation.toFixed(4)} nats`,
);
