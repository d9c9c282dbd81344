/**
 * The final loss of a preset (`quick`) in each precision, and how far the final loss moves when only a rounding is changed:
 *
 *     deno run -A tests/precision/end_losses.ts [--preset smoke] [--models a,b] [--changes 2] [--out FILE]
 *
 * Trains the first stage of every model on the CPU executor, always from the same seed and on the same batches: in f32, bf16 and
 * f16; again with one weight moved to the next float before the first step (a control for each number from 1 to `--changes`);
 * and in f32 with kernels that round a · b before they add c. Two trainings stay together only until their rounding differences have
 * grown to the size of the weights. So the controls show how far apart two runs end that differ only by rounding. Each training
 * is written to the file when it is done, and is not repeated if it is already there. No number depends on how busy a machine is.
 */
import { predictedTokens } from "../../core/data/parts.ts";
import { parseArgs } from "node:util";
import { type Precision, PRECISIONS } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { resolveCorpus, wholeText } from "../../core/data/corpus.ts";
import { studyTokens, tokenizerText } from "../../core/data/study_data.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { type EndLoss, type EndLosses, endLossTable } from "./end_losses_table.ts";
import { endLoss, SEED } from "./training.ts";

const { values } = parseArgs({
  options: {
    preset: { type: "string", default: "quick" },
    models: { type: "string" },
    changes: { type: "string", default: "2" },
    out: { type: "string" },
  },
});
const out = values.out ?? `results/bench/precision-${values.preset}.json`;

const study = resolvedStudy(values.preset, { models: values.models?.split(",") });
const corpus = await resolveCorpus({ onProgress: (line) => console.error(line) });
const text = wholeText(corpus, "this measurement");
const tokenizer = trainTokenizer(tokenizerText(text, study), { vocabSize: study.vocabSize });
const tokens = studyTokens(text, tokenizer, study);

async function before(): Promise<readonly EndLoss[]> {
  try {
    return (JSON.parse(await Deno.readTextFile(out)) as EndLosses).trainings;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** First each precision once for all models, then the changes one after the other. */
const changes = Array.from({ length: Number(values.changes) }, (_, i) => i + 1);
const rounds: (readonly [Precision, EndLoss["change"]])[][] = [
  [["f32", 0], ["f32", 1], ["bf16", 0], ["f16", 0]],
  [["f32", "unfused"], ["bf16", 1]],
  ...changes.slice(1).map((change): [Precision, EndLoss["change"]][] => [["f32", change], ["bf16", change]]),
  changes.map((change): [Precision, EndLoss["change"]] => ["f16", change]),
];

const usual = await CpuExecutor.create({}), unfused = await CpuExecutor.create({ build: "plain" });
const trainings = [...await before()];
for (const round of rounds) {
  for (const arm of study.arms) {
    for (const [precision, change] of round) {
      if (trainings.some((t) => t.arm === arm.name && t.precision === precision && t.change === change)) continue;
      const executor = change === "unfused" ? unfused : usual;
      const done = await endLoss(executor, arm, { study, tokens, precision, change });
      trainings.push(done);
      console.error(`${done.arm} ${precision} ${change}: ${done.loss.toFixed(4)}`);
      const report: EndLosses = {
        ...{ preset: values.preset, seed: SEED, steps: study.pretraining.steps, corpus: corpus.name },
        ...{ tokens: predictedTokens(tokens.validation), precisions: PRECISIONS, trainings },
      };
      await Deno.writeTextFile(out, `${JSON.stringify(report, null, 1)}\n`);
    }
  }
}
await Promise.all([usual.close(), unfused.close()]);
console.log(endLossTable(JSON.parse(await Deno.readTextFile(out))));
