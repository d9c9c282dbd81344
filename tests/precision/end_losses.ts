/**
 * Where a preset (`quick`) ends in each precision, and how far it ends from there when nothing but a rounding is changed:
 *
 *     deno run -A tests/precision/end_losses.ts [--preset smoke] [--models a,b] [--changes 2] [--out FILE]
 *
 * Trains the first stage of every model on the CPU executor, always from the same seed and on the same batches: in f32, bf16 and
 * f16; again with one weight moved to the next float before the first step (a control for each number from 1 to `--changes`);
 * and in f32 with kernels that round a · b before they add c. A training follows another only until their roundings have grown
 * to the size of the weights, so the controls say how far apart two runs end that nobody would call different. Each training
 * is written to the file when it is done, and one that is there is not done again. No number depends on how busy a machine is.
 */
import { parseArgs } from "node:util";
import { type Arm, type Precision, PRECISIONS } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { resolveCorpus } from "../../core/data/corpus.ts";
import { studyTokens, tokenizerText } from "../../core/data/study_data.ts";
import { resolvedStudy } from "../../core/eval/match.ts";
import { qualityOfTokens, Scorer } from "../../core/eval/quality.ts";
import { initialLossScale } from "../../core/ops/loss_scale.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { ADAMW, keptIn } from "../../core/train/plans.ts";
import { textProgram } from "../../core/train/programs.ts";
import { rateAt } from "../../core/train/schedule.ts";
import { type EndLoss, type EndLosses, endLossTable, moveOneWeight } from "./end_losses_table.ts";

const { values } = parseArgs({
  options: {
    preset: { type: "string", default: "quick" },
    models: { type: "string" },
    changes: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const SEED = 1, LAST = 100, out = values.out ?? `results/bench/precision-${values.preset}.json`;

const study = resolvedStudy(values.preset, { models: values.models?.split(",") });
const { sequenceLength: T, pretraining } = study;
const corpus = await resolveCorpus({ onProgress: (line) => console.error(line) });
const tokenizer = trainTokenizer(tokenizerText(corpus.text, study), { vocabSize: study.vocabSize });
const tokens = studyTokens(corpus.text, tokenizer, study);

/** Which rounding is changed: nothing (0), the weight of a number, or every multiply-add. */
type Change = number | "unfused";

/** One training: mean loss of the validation tokens at the end, and of the last updates. */
async function train(
  { name, config }: Arm,
  { precision, change, executor }: { precision: Precision; change: Change; executor: CpuExecutor },
): Promise<EndLoss> {
  const store = new ParameterStore(config);
  store.initialise(executor, SEED);
  executor.write(store.lossScale, initialLossScale());
  if (typeof change === "number" && change > 0) {
    const weights = await store.read(executor);
    moveOneWeight(weights, change);
    store.write(executor, weights);
  }
  const order = new BatchOrder(tokens.train, { B: pretraining.batch, T, seed: SEED });
  const made = await textProgram(executor, store, { config: pretraining, T, order, activations: keptIn(precision) });
  const losses: number[] = [];
  for (let step = 1; step <= pretraining.steps; step++) {
    made.writeBatch(step);
    const corrections = [1 - ADAMW.beta1 ** step, 1 - ADAMW.beta2 ** step];
    made.program.write(made.schedule, Float32Array.of(rateAt(step, pretraining), ...corrections, 0));
    await made.program.run();
    if (step % 50 === 0 || step === pretraining.steps) {
      for (const run of await made.program.drainMetrics()) losses.push(run[0]!);
    }
  }
  const last = losses.slice(-LAST), scorer = await Scorer.create(executor, store, { B: 32, T });
  const { loss } = qualityOfTokens(await scorer.tokenLogps(tokens.validation), { bytes: tokens.evaluatedBytes });
  for (const used of [made.program, scorer]) used.dispose();
  store.release(executor);
  return {
    arm: name,
    precision,
    change,
    loss,
    trainingLoss: last.reduce((sum, x) => sum + x, 0) / last.length,
  };
}

async function before(): Promise<readonly EndLoss[]> {
  try {
    return (JSON.parse(await Deno.readTextFile(out)) as EndLosses).trainings;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Each precision once in all models, then the changes one after the other. */
const changes = Array.from({ length: Number(values.changes) }, (_, i) => i + 1);
const rounds: (readonly [Precision, Change])[][] = [
  [["f32", 0], ["f32", 1], ["bf16", 0], ["f16", 0]],
  [["f32", "unfused"], ["bf16", 1]],
  ...changes.slice(1).map((change): [Precision, Change][] => [["f32", change], ["bf16", change]]),
  changes.map((change): [Precision, Change] => ["f16", change]),
];

const usual = await CpuExecutor.create({}), unfused = await CpuExecutor.create({ build: "plain" });
const trainings = [...await before()];
for (const round of rounds) {
  for (const arm of study.arms) {
    for (const [precision, change] of round) {
      if (trainings.some((t) => t.arm === arm.name && t.precision === precision && t.change === change)) continue;
      const executor = change === "unfused" ? unfused : usual;
      const done = await train(arm, { precision, change, executor });
      trainings.push(done);
      console.error(`${done.arm} ${precision} ${change}: ${done.loss.toFixed(4)}`);
      const report: EndLosses = {
        ...{ preset: values.preset, seed: SEED, steps: pretraining.steps, corpus: corpus.name },
        ...{ tokens: tokens.validation.length - 1, precisions: PRECISIONS, trainings },
      };
      await Deno.writeTextFile(out, `${JSON.stringify(report, null, 1)}\n`);
    }
  }
}
await Promise.all([usual.close(), unfused.close()]);
console.log(endLossTable(JSON.parse(await Deno.readTextFile(out))));
