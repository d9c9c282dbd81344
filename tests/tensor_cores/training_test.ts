/** Trainings with products on tensor cores, beside the same in f32. `mesa_test.ts` runs them on a Mesa whose lavapipe has tensor cores. */
import { strict as assert } from "node:assert";
import { at } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { keptIn, trainingPlan } from "../../core/train/plans.ts";
import { onTensorCores, tensorCores } from "../ops/tensor_cores.ts";
import { BOUND, SMOKE as study, SMOKE_TOKENS as tokens } from "../precision/smoke.ts";
import { endLoss } from "../precision/training.ts";
import { thorough } from "../thorough.ts";

const { sequenceLength: T, pretraining: { batch: B, decay, steps } } = study;
const MODELS = ["hymba", "transformer-global"];

for (const arm of study.arms.filter(({ name }) => MODELS.includes(name))) {
  thorough(`${arm.name}: forty steps in f16 on tensor cores end within 0.5 % of f32`, async () => {
    const found = await tensorCores();
    if (!found) return;
    // Small tiles, which lavapipe compiles quickly.
    const executor = onTensorCores(found, { workgroupBytes: 10 * 1024 });
    const { plan } = trainingPlan(new ParameterStore(arm.config), { B, T, decay, ...keptIn("f16") });
    const products = executor.lower(plan).filter(({ kernel }) => kernel.name.startsWith("matmul_subgroup_matrix"));
    const train = async (precision: "f32" | "f16") => {
      const losses: number[] = [], onLoss = (loss: number) => void losses.push(loss);
      return { ...await endLoss(executor, arm, { study, tokens, precision, change: 0, onLoss }), losses };
    };
    const whole = await train("f32"), f16 = await train("f16"), off = f16.loss / whole.loss - 1;
    console.log(`${arm.name}: ${products.length} products on tensor cores, ${(100 * off).toFixed(4)} % from f32`);
    for (let step = 1; step <= steps; step += step === 1 ? 9 : 10) {
      const [one, other] = [whole, f16].map(({ losses }) => at(losses, step - 1).toFixed(6));
      console.log(`  step ${step}: f32 ${one}, f16 on tensor cores ${other}`);
    }
    console.log(`  validation: f32 ${whole.loss.toFixed(6)}, f16 on tensor cores ${f16.loss.toFixed(6)}`);
    assert.ok(products.length > 0 && whole.losses.length === 40 && f16.losses.length === 40);
    assert.ok(whole.loss < 0.98 * Math.log(study.vocabSize), `${whole.loss} nats: nothing was learned`);
    assert.ok(off !== 0 && Math.abs(off) <= BOUND, `${f16.loss} nats, f32 ${whole.loss}`);
  });
}
