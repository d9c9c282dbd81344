/** Golden cases of whole models: loss, logits and gradients, and AdamW training. */
import { HymbaError } from "../../errors.ts";
import { at } from "../../lists.ts";
import { forward } from "../../nn/model.ts";
import { initialLossScale, LOSS_SCALE } from "../../ops/loss_scale.ts";
import { linear } from "../../ops/linear.ts";
import { linearLogp } from "../../ops/linear_logp.ts";
import { nllLoss } from "../../ops/losses.ts";
import { ParameterStore } from "../../params/store.ts";
import { type Executor, finish } from "../../plan/mod.ts";
import { Tape } from "../../tensor/mod.ts";
import { keptIn, storedIn, trainingPlan } from "../../train/plans.ts";
import { scheduleVector } from "../../train/schedule.ts";
import { BF16_PARAMETER, BOUNDS, roundingOf, withCancelling } from "./bounds.ts";
import { compare, compareEach, type Comparison, type Target } from "./compare.ts";
import { configOf } from "./configuration.ts";
import type { GoldenFile } from "./file.ts";
import { targetsOf } from "./losses.ts";
import { compareParameters, type Packed, packedNumbers, packing } from "./names.ts";

/** Runs `body` with the case's model, whose weights are on the executor. */
async function withModel<T>(
  file: GoldenFile,
  executor: Executor,
  body: (store: ParameterStore, packed: readonly Packed[]) => Promise<T>,
): Promise<T> {
  const config = configOf(file), store = new ParameterStore(config);
  const packed = packing(file, { config, names: file.namesUnder("p.") });
  const values = Object.fromEntries(packed.map((one) => [one.name, packedNumbers(file, one, "p.")]));
  try {
    store.write(executor, values);
    return await body(store, packed);
  } finally {
    store.release(executor);
  }
}

/** Forward and backward pass of the mean cross-entropy times `scale`. The logits are a second output. */
function modelPlan(store: ParameterStore, { B, T, scale }: { B: number; T: number; scale: number }) {
  const { parameters, gradients } = store.arenas, tape = new Tape(true, [[parameters, gradients]]);
  const ids = tape.input("ids", [B, T], { dtype: "u32" }), targets = tape.input("targets", [B, T], { dtype: "u32" });
  const weight = tape.input("weight", [B, T]), head = store.tensor("embedding");
  const { hidden } = forward(tape, ids, store);
  const loss = nllLoss(tape, { logp: linearLogp(tape, { x: hidden, w: head, targets }).logp, weight });
  const logits = linear(tape, { x: hidden, w: head }, { name: "logits" });
  tape.backward([[loss, tape.constant("d loss", [1], Float32Array.of(scale))]]);
  return { plan: finish(tape, { name: "golden model", outputs: [loss, logits] }), ids, targets, weight, loss, logits };
}

export function compareModel(file: GoldenFile, target: Target): Promise<Comparison[]> {
  const { executor, precision } = target;
  return withModel(file, executor, async (store, packed) => {
    const V = store.config.vocabSize, { shape } = file.ranked("ids", "B,T"), [B, T] = shape as [number, number];
    const { targets, weight } = targetsOf(file, { V, shape });
    // Training scales the loss, too: gradients of a mean would be below the normal numbers of f16. The scale is a power of two,
    // so it changes no digit.
    const scale = precision === "f16" ? LOSS_SCALE.start : 1;
    const made = modelPlan(store, { B, T, scale }), plan = storedIn(made.plan, precision);
    const program = await executor.prepare(plan);
    try {
      program.write(made.ids, file.ids("ids", { V }));
      program.write(made.targets, targets);
      program.write(made.weight, weight);
      await program.run();
      const rounding = roundingOf(plan, target), bound = BOUNDS.model.output + rounding.output;
      const scaled = await store.read(executor, "gradients");
      const values = Object.fromEntries(Object.entries(scaled).map(([name, g]) => [name, g.map((x) => x / scale)]));
      const gradient = BOUNDS.model.gradient + rounding.gradient;
      return [
        compare(file, "loss", { got: await program.read(made.loss), bound }),
        compare(file, "logits", { got: await program.read(made.logits), bound }),
        ...withCancelling(compareParameters(file, packed, { values, prefix: "g.", bound: gradient }), target),
      ];
    } finally {
      program.dispose();
    }
  });
}

export function compareTraining(file: GoldenFile, target: Target): Promise<Comparison[]> {
  const { loss: bound, parameter: exact } = BOUNDS.training,
    parameter = target.precision === "bf16" ? BF16_PARAMETER : exact;
  return withModel(file, target.executor, async (store, packed) => {
    const metrics = await train(file, target, store);
    const values = await store.read(target.executor);
    return [
      ...compareEach(file, "losses", { got: metrics.map((values) => at(values, 0)), bound }),
      ...compareEach(file, "grad_norms", { got: metrics.map((values) => at(values, 1)), bound }),
      ...compareParameters(file, packed, { values, prefix: "final.", bound: parameter }),
    ];
  });
}

/** Runs every step of a case. Returns the loss and the gradient norm of each step. */
async function train(
  file: GoldenFile,
  { executor, precision }: Target,
  store: ParameterStore,
): Promise<Float32Array[]> {
  const V = store.config.vocabSize, { shape } = file.ranked("ids", "steps,B,T");
  const [steps, B, T] = shape as [number, number, number], size = B * T;
  const ids = file.ids("ids", { V }), { targets, weight } = targetsOf(file, { V, shape });
  const rates = file.tensor("lr", [steps]).data;
  const optimizer = {
    beta1: file.number("beta1"),
    beta2: file.number("beta2"),
    eps: file.number("adam_eps"),
    clip: file.number("clip"),
  };
  const made = trainingPlan(store, { B, T, decay: file.number("weight_decay"), optimizer, ...keptIn(precision) });
  executor.write(store.lossScale, initialLossScale());
  const program = await executor.prepare(made.plan);
  try {
    for (let step = 0; step < steps; step++) {
      const from = step * size, to = from + size;
      program.write(made.ids, ids.slice(from, to));
      program.write(made.targets, targets.slice(from, to));
      program.write(made.weight, weight.slice(from, to));
      program.write(made.schedule, scheduleVector(step + 1, { rate: at(rates, step), ...optimizer }));
      await program.run();
    }
    const metrics = await program.drainMetrics();
    if (metrics.length === steps) return metrics;
    throw new HymbaError(`${file.name}: ${metrics.length} steps were reported`, { expected: `${steps}` });
  } finally {
    program.dispose();
  }
}
