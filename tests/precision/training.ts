/** One training of one model in one precision, with the same batches for all of them. */
import type { Arm, Precision, StudyConfig } from "../../core/config/mod.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import type { TokenData } from "../../core/data/parts.ts";
import { qualityOfTokens } from "../../core/eval/quality.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { textObjective } from "../../core/train/objective.ts";
import { keptIn, trainingPlan } from "../../core/train/plans.ts";
import { Trainer } from "../../core/train/trainer.ts";
import { type EndLoss, moveOneWeight } from "./end_losses_table.ts";

export const SEED = 1;
/** Updates whose losses are averaged. */
const LAST = 100;

/**
 * The first stage of a study. `change` 0 changes nothing, a number moves a weight, `unfused` says that the executor's kernels round each product.
 * `onLoss`: called with the loss of each update.
 */
export async function endLoss(
  executor: Executor,
  { name, config }: Arm,
  { study: { sequenceLength: T, pretraining }, tokens, precision, change, onLoss }: {
    study: StudyConfig;
    tokens: TokenData;
    precision: Precision;
    change: EndLoss["change"];
    onLoss?: (loss: number) => void;
  },
): Promise<EndLoss> {
  const store = new ParameterStore(config), losses: number[] = [];
  store.initialise(executor, SEED);
  if (typeof change === "number" && change > 0) {
    const weights = await store.read(executor);
    moveOneWeight(weights, change);
    store.write(executor, weights);
  }
  const order = new BatchOrder(tokens.train, { B: pretraining.batch, T, seed: SEED });
  const { batch: B, decay } = pretraining;
  const objective = textObjective(trainingPlan(store, { B, T, decay, ...keptIn(precision) }), order);
  const trainer = await Trainer.create(executor, store, { name, objective, schedule: pretraining });
  for await (const { loss } of trainer.run()) {
    losses.push(loss);
    onLoss?.(loss);
  }
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B: 32, T }));
  const { loss } = qualityOfTokens(await scorer.tokenLogps(tokens.validation), tokens.validation);
  for (const used of [trainer, scorer]) used.dispose();
  store.release(executor);
  const last = losses.slice(-LAST);
  return { arm: name, precision, change, loss, trainingLoss: last.reduce((sum, x) => sum + x, 0) / last.length };
}
