/**
 * A/A: one model against itself with other seeds must show no difference in 93 to 97 of 100 cases, with everything that the
 * reports do: long blocks of text, Student's t, intervals of all pairs together, factors from all trainings, the margin.
 * Trains the smallest Transformer with many seeds, then draws again and again some of them as the seeds of models that are
 * compared as a study compares them; a thousand draws tell 95 from 97, a hundred do not. `deno run -A tests/statistics/aa.ts
 * [--trainings N] [--draws N]`: about two minutes.
 */
import { parseArgs } from "node:util";
import { resolveCorpus, wholeText } from "../../core/data/corpus.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { partOf, predictedTokens } from "../../core/data/parts.ts";
import { splitText } from "../../core/data/split.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { ArchType } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { compareFamily, type Comparison, differs } from "../../core/eval/comparison.ts";
import type { Contrast } from "../../core/eval/contrast.ts";
import { blockMeans, blocksOf } from "../../core/eval/text_blocks.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { permutation } from "../../core/random.ts";
import { standingOf } from "../../core/report/statistics.ts";
import { loadStudent } from "../../core/student.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";

const { values } = parseArgs({
  options: { trainings: { type: "string", default: "80" }, draws: { type: "string", default: "1000" } },
});
const trainings = Number(values.trainings), draws = Number(values.draws);
await loadStudent();

const study = studyOf("smoke", { models: [ArchType.TRANSFORMER_GLOBAL] }), { config } = study.arms[0]!;
const { sequenceLength: T, pretraining } = study, executor = await CpuExecutor.create({});
const corpus = await resolveCorpus({ onProgress: (line) => console.error(line) });
const text = wholeText(corpus, "this measurement");
const parts = splitText(text.slice(0, study.characters), study);
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

const blocks = blocksOf(losses[0]!.length, T);

/** Models that are one model: `seeds` trainings each, none of them twice. `shift` is added to the losses of the first model. */
function compared(
  draw: number,
  { arms, seeds, contrasts, shift = 0 }: {
    arms: readonly string[];
    seeds: number;
    contrasts: readonly Contrast[];
    shift?: number;
  },
): Comparison[] {
  const order = permutation(trainings, { seed: seeds, stream: 100 + arms.length, step: draw });
  const all = arms.flatMap((arm, a) =>
    Array.from({ length: seeds }, (_, seed) => {
      const nats = losses[order[a * seeds + seed]!]!;
      return { arm, seed, nats: a === 0 && shift !== 0 ? nats.map((x) => x + shift) : nats };
    })
  );
  return compareFamily([{ means: blockMeans(all, { blocks }), contrasts }])[0]!.map((one) => one!);
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `arm${i}`);
const pairs = (arms: readonly string[]): Contrast[] =>
  arms.flatMap((a, i) => arms.slice(i + 1).map((b) => ({ [a]: 1, [b]: -1 })));
const factors = (arms: readonly string[]): Contrast[] =>
  [1, 2, 4].map((bit) => Object.fromEntries(arms.map((arm, i) => [arm, i & bit ? 2 / arms.length : -2 / arms.length])));

/** The number of draws in which `holds` is true. */
function counted(what: string, holds: (draw: number) => boolean): void {
  let count = 0;
  for (let draw = 0; draw < draws; draw++) if (holds(draw)) count++;
  console.log(`${what}: ${count} of ${draws}`);
}

for (const seeds of [1, 3, 5]) {
  counted(
    `two models, ${seeds} against ${seeds} seeds, no difference`,
    (draw) => !compared(draw, { arms: names(2), seeds, contrasts: pairs(names(2)) }).some(differs),
  );
}
for (const [count, seeds] of [[4, 3], [5, 5]] as const) {
  const arms = names(count),
    contrasts = pairs(arms),
    lossOf = (arm: string, found: readonly Comparison[]) =>
      found.reduce((sum, { mean }, i) => sum + (contrasts[i]![arm] ?? 0) * mean, 0);
  counted(
    `${count} models with ${seeds} seeds, no difference in any pair`,
    (draw) => !compared(draw, { arms, seeds, contrasts }).some(differs),
  );
  counted(`${count} models with ${seeds} seeds, no difference between the best and any other`, (draw) => {
    const found = compared(draw, { arms, seeds, contrasts });
    const best = arms.toSorted((a, b) => lossOf(a, found) - lossOf(b, found))[0]!;
    return !found.some((one, i) => contrasts[i]![best] !== undefined && differs(one));
  });
  counted(`${count} models with ${seeds} seeds, the pair of lowest and highest loss by its interval alone`, (draw) => {
    const found = compared(draw, { arms, seeds, contrasts });
    const widest = found.toSorted((a, b) => Math.abs(b.mean) - Math.abs(a.mean))[0]!;
    return !differs({ interval: widest.alone });
  });
}
counted(
  "eight models with 3 seeds, no effect of any of three factors",
  (draw) => !compared(draw, { arms: names(8), seeds: 3, contrasts: factors(names(8)) }).some(differs),
);
for (const margin of [0.02, 3 * deviation]) {
  counted(`two models, 5 seeds, not called equal where the difference is the margin (${margin.toFixed(4)})`, (draw) => {
    const [one] = compared(draw, { arms: names(2), seeds: 5, contrasts: pairs(names(2)), shift: margin });
    return standingOf({ ...one!, pairs: 5 }, margin) !== "equal";
  });
}
console.log(
  `${trainings} trainings of ${config.archType}, ${pretraining.steps} steps, ${
    predictedTokens(tokens.validation)
  } validation ` +
    `tokens: loss ${level.toFixed(4)}, standard deviation of the seeds ${deviation.toFixed(4)} nats`,
);
