/** One training of one model in one precision, with the same batches for all of them. */
import type { Arm, Precision, StudyConfig } from "../../core/config/mod.ts";
import type { CpuExecutor } from "../../core/cpu/mod.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import type { TokenData } from "../../core/data/split.ts";
import { qualityOfTokens, Scorer } from "../../core/eval/quality.ts";
import { initialLossScale } from "../../core/ops/loss_scale.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { ADAMW, keptIn } from "../../core/train/plans.ts";
import { textProgram } from "../../core/train/programs.ts";
import { rateAt } from "../../core/train/schedule.ts";
import { type EndLoss, moveOneWeight } from "./end_losses_table.ts";

export const SEED = 1;
/** Updates whose losses are averaged. */
const LAST = 100;

/** The first stage of a study. `change` 0 changes nothing, a number moves a weight, `unfused` is what the executor's kernels are. */
export async function endLoss(
  executor: CpuExecutor,
  { name, config }: Arm,
  { study: { sequenceLength: T, pretraining }, tokens, precision, change }: {
    study: StudyConfig;
    tokens: TokenData;
    precision: Precision;
    change: EndLoss["change"];
  },
): Promise<EndLoss> {
  const store = new ParameterStore(config), losses: number[] = [];
  store.initialise(executor, SEED);
  executor.write(store.lossScale, initialLossScale());
  if (typeof change === "number" && change > 0) {
    const weights = await store.read(executor);
    moveOneWeight(weights, change);
    store.write(executor, weights);
  }
  const order = new BatchOrder(tokens.train, { B: pretraining.batch, T, seed: SEED });
  const made = await textProgram(executor, store, { config: pretraining, T, order, activations: keptIn(precision) });
  for (let step = 1; step <= pretraining.steps; step++) {
    made.writeBatch(step);
    const corrections = [1 - ADAMW.beta1 ** step, 1 - ADAMW.beta2 ** step];
    made.program.write(made.schedule, Float32Array.of(rateAt(step, pretraining), ...corrections, 0));
    await made.program.run();
    if (step % 50 === 0 || step === pretraining.steps) {
      for (const run of await made.program.drainMetrics()) losses.push(run[0]!);
    }
  }
  const scorer = await Scorer.create(executor, store, { B: 32, T });
  const { loss } = qualityOfTokens(await scorer.tokenLogps(tokens.validation), { bytes: tokens.evaluatedBytes });
  for (const used of [made.program, scorer]) used.dispose();
  store.release(executor);
  const last = losses.slice(-LAST);
  return { arm: name, precision, change, loss, trainingLoss: last.reduce((sum, x) => sum + x, 0) / last.length };
}
