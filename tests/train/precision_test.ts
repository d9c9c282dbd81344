import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import type { ActivationConfig } from "../../core/config/mod.ts";
import { roundingOf } from "../../core/proof/golden/bounds.ts";
import { memoryReport } from "../../core/bench/memory.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, type Plan, ReferenceExecutor, withRecomputedOutputs } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { initialLossScale, LOSS_SCALE } from "../../core/ops/loss_scale.ts";
import { preferencePlan, trainingPlan } from "../../core/train/plans.ts";
import { ADAMW, scheduleVector } from "../../core/train/schedule.ts";
import { HALF_FORMATS } from "../../core/tensor/mod.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { furtherModels, type SmallModel, smallModels } from "./models.ts";

const B = 2, T = 11;

const PLANS = {
  training: (store: ParameterStore, activations: ActivationConfig) => ({
    ...trainingPlan(store, { B, T, decay: 0.1, ...activations }),
    completion: undefined,
  }),
  preference: (store: ParameterStore, activations: ActivationConfig) =>
    preferencePlan(store, { n: B / 2, T, decay: 0.1, beta: 0.1, ...activations }),
};

/** Metrics and all gradients after one step, and how large the rounding error of the gradients may be. */
async function oneStep(
  executor: Executor,
  { config }: SmallModel,
  { kind = "training", rule = (plan) => plan, ...activations }: ActivationConfig & {
    kind?: keyof typeof PLANS;
    rule?: (plan: Plan) => Plan;
  },
) {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  executor.write(store.lossScale, initialLossScale());
  const made = PLANS[kind](store, activations), program = await executor.prepare(rule(made.plan));
  const counter = { seed: 3, stream: 100, step: 0 };
  const ids = Uint32Array.from({ length: B * (T + 1) }, (_, i) => randomInteger(counter, i, config.vocabSize));
  const ones = new Float32Array(B * T).fill(1);
  program.write(made.ids, ids.slice(0, B * T));
  program.write(made.targets, ids.slice(B));
  program.write(made.weight, ones);
  if (made.completion) program.write(made.completion, ones);
  program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 1e-3 }));
  await program.run();
  const metrics = [...(await program.drainMetrics())[0]!], norm = made.metricNames.indexOf("gradientNorm");
  const scale = activations.precision === "f16" ? LOSS_SCALE.start : 1;
  if (scale > 1) assert.deepEqual(metrics.splice(-2), [scale, 0]);
  const scaled = await store.read(executor, "gradients");
  const values = Object.fromEntries(Object.entries(scaled).map(([name, g]) => [name, g.map((x) => x / scale)]));
  program.dispose();
  store.release(executor);
  // The forward pass: everything except the gradient norm.
  const { gradient: bound } = roundingOf(made.plan, { executor, precision: activations.precision ?? "f32" });
  return { values, forward: metrics.toSpliced(norm, 1), norm: metrics[norm]!, bound };
}

type Gradients = Awaited<ReturnType<typeof oneStep>>["values"];

/** Relative RMS error over all parameters together. */
const apart = (got: Gradients, expected: Gradients) => {
  const flat = (values: Gradients) => Float32Array.from(Object.keys(expected).flatMap((name) => [...values[name]!]));
  return relativeError(flat(got), flat(expected));
};

/** Software adapters compile kernels slowly: they test one plan of each of the five models, the processor tests everything. */
const usual = smallModels().map(({ name }) => name);
const everywhere = ({ name }: SmallModel, kind: string) => usual.includes(name) && kind === "training";
const executorsFor = async (model: SmallModel, kind: string) =>
  (await executors()).filter(({ name }) => name === "cpu" || everywhere(model, kind));

for (const model of [...smallModels(), ...furtherModels()]) {
  Deno.test(`${model.name}: 16-bit activations leave the forward pass alone and the gradients near`, async () => {
    for (const kind of ["training", "preference"] as const) {
      for (const executor of await executorsFor(model, kind)) {
        const whole = await oneStep(executor, model, { kind });
        for (const precision of HALF_FORMATS) {
          const who = `${executor.name}, ${kind}, ${precision}`,
            half = await oneStep(executor, model, { kind, precision });
          assert.deepEqual(half.forward, whole.forward, who);
          const error = apart(half.values, whole.values);
          assert.ok(error > 0 && error < half.bound, `${who}: gradients are off by ${error}`);
          assert.ok(Math.abs(half.norm / whole.norm - 1) < half.bound, `${who}: ${half.norm} and ${whole.norm}`);
        }
      }
    }
  });

  Deno.test(`${model.name}: recomputed norms leave all bits`, async () => {
    for (const executor of await executorsFor(model, "training")) {
      let more = 0;
      const rule = (plan: Plan) => {
        const longer = withRecomputedOutputs(plan);
        more = longer.steps.length - plan.steps.length;
        return longer;
      };
      assert.deepEqual(await oneStep(executor, model, { rule }), await oneStep(executor, model, {}), executor.name);
      assert.ok(more >= 2 * model.config.nLayers, `${more} norms are recomputed in ${model.config.nLayers} layers`);
    }
  });

  Deno.test(`${model.name}: executors round saved activations as the reference does`, async () => {
    for (const precision of HALF_FORMATS) {
      const truth = await oneStep(new ReferenceExecutor(), model, { precision });
      for (const executor of await executorsFor(model, "training")) {
        const got = await oneStep(executor, model, { precision }), error = apart(got.values, truth.values);
        // Sometimes a number near a tie of two 16-bit floats rounds the other way in f32.
        assert.ok(error < truth.bound / 8, `${executor.name}, ${precision}: gradients are off by ${error}`);
      }
    }
  });
}

Deno.test("f16: an overflow leaves weights and moments alone and halves the scale until the gradient fits", async () => {
  const model = smallModels()[0]!, executor = await CpuExecutor.create({ threads: 1 }), start = 2 ** 127;
  const store = new ParameterStore(model.config), made = trainingPlan(store, { B, T, decay: 0.1, precision: "f16" });
  const program = await executor.prepare(made.plan);
  try {
    store.initialise(executor, 1);
    executor.write(store.lossScale, initialLossScale().with(0, start));
    const tokens = new Uint32Array(B * T).map((_, i) => i % model.config.vocabSize);
    for (const input of [made.ids, made.targets]) program.write(input, tokens);
    program.write(made.weight, new Float32Array(B * T).fill(1));
    program.write(made.schedule, scheduleVector(1, { ...ADAMW, rate: 1e-2 }));
    const state = async () => [await store.read(executor), await store.read(executor, "secondMoments")];
    const before = await state();
    let skipped = 0;
    for (;; skipped++) {
      await program.run();
      const [, norm, scale, left] = (await program.drainMetrics())[0]!;
      assert.equal(scale, start / 2 ** skipped);
      if (left === 0) {
        assert.ok(Number.isFinite(norm) && norm! > 0);
        break;
      }
      assert.deepEqual(await state(), before);
    }
    assert.ok(skipped > 0 && skipped < 127, `${skipped} updates were left out`);
    assert.notDeepEqual(await state(), before);
    // The first update that is not skipped has the bias correction of a first update.
    const [, good, c1] = await executor.read(store.lossScale);
    assert.ok(good === 1 && Math.abs(c1! - 0.1) < 1e-6);
  } finally {
    program.dispose();
    await executor.close();
  }
});

Deno.test("paper: activations in bf16 take at most 0.55 of their bytes in f32, in every model", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const { arms, pretraining: { batch }, sequenceLength } = resolvedStudy("paper"),
      size = { B: batch, T: sequenceLength };
    for (const arm of arms) {
      const [whole, half] = ([undefined, "bf16"] as const).map((precision) => {
        const { saved_bytes, transient_bytes } = memoryReport(executor, arm, { ...size, precision });
        return saved_bytes + transient_bytes;
      });
      assert.ok(half! <= 0.55 * whole!, `${arm.name}: ${half} of ${whole} bytes`);
    }
  } finally {
    await executor.close();
  }
});
