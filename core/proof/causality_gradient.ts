/** Checks by differentiation that no logit depends on a later token: these gradients must be exactly zero. */
import { HymbaError } from "../errors.ts";
import { type ForwardOptions, logitsOf } from "../nn/model.ts";
import { embeddingBackward } from "../ops/embedding.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, finish, type Plan } from "../plan/mod.ts";
import { randomInteger, STREAMS } from "../random.ts";
import { isStepOf, Tape, type Tensor } from "../tensor/mod.ts";
import type { CheckOptions } from "./causality.ts";

export interface GradientReport {
  readonly arm: string;
  readonly T: number;
  /** Number of positions t whose logits were differentiated. */
  readonly tested: number;
  /** Pairs t < s where the gradient of the logits at t with respect to the embedding at s is not exactly zero. */
  readonly leaks: readonly { readonly logits: number; readonly embedding: number }[];
}

interface GradientPlan {
  readonly plan: Plan;
  readonly ids: Tensor;
  /** [1, T, V]: the gradient at which the backward pass starts. */
  readonly seed: Tensor;
  /** [1, M + T, D]: the gradient of the embedded tokens, meta tokens first. */
  readonly embedded: Tensor;
}

function gradientPlan(
  store: ParameterStore,
  { name, T, reproduceLeak }: ForwardOptions & { name: string; T: number },
): GradientPlan {
  const { parameters, gradients } = store.arenas, tape = new Tape(true, [[parameters, gradients]]);
  const ids = tape.input("ids", [1, T], { dtype: "u32" }), seed = tape.input("seed", [1, T, store.config.vocabSize]);
  const logits = logitsOf(tape, ids, store, { reproduceLeak });
  tape.backward([[logits, seed]]);
  const embedded = tape.steps.find((step) => isStepOf(step, embeddingBackward))?.reads.dx;
  if (!embedded) throw new HymbaError(`causality ${name}: the gradient of the embedded tokens is not part of the plan`);
  return { plan: finish(tape, { name: `causality gradient ${name}`, outputs: [embedded] }), ids, seed, embedded };
}

/**
 * Differentiates the logits of each position t, each with a weight of 1 or −1, and looks for non-zero gradients after t. Throws a
 * HymbaError when the gradient at t itself is zero, because then the check shows nothing.
 */
export async function checkGradients(
  executor: Executor,
  { name, config, T, positions, reproduceLeak, weights }: CheckOptions,
): Promise<GradientReport> {
  const store = weights ?? new ParameterStore(config), { vocabSize: V, metaTokens: M, dModel: D } = config;
  const { plan, ids, seed, embedded } = gradientPlan(store, { name, T, reproduceLeak });
  if (!weights) store.initialise(executor, 1);
  const program = await executor.prepare(plan);
  try {
    const counter = { seed: 1, stream: STREAMS.probe, step: T };
    const tested = positions ?? Array.from({ length: T }, (_, t) => t), leaks: GradientReport["leaks"][number][] = [];
    program.write(ids, Uint32Array.from({ length: T }, (_, t) => randomInteger(counter, t, V)));
    for (const t of tested) {
      const start = new Float32Array(T * V);
      for (let v = 0; v < V; v++) start[t * V + v] = randomInteger(counter, T + t * V + v, 2) === 0 ? 1 : -1;
      program.write(seed, start);
      await program.run();
      const gradient = await program.read(embedded);
      const isZero = (s: number) => gradient.subarray((M + s) * D, (M + s + 1) * D).every((value) => value === 0);
      if (isZero(t)) throw new HymbaError(`causality ${name}: the logits at ${t} do not depend on token ${t}`);
      for (let s = t + 1; s < T; s++) if (!isZero(s)) leaks.push({ logits: t, embedding: s });
    }
    return { arm: name, T, tested: tested.length, leaks };
  } finally {
    program.dispose();
    if (!weights) store.release(executor);
  }
}
