/** Weights for tests of generation. */
import type { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { sizeOf } from "../../core/tensor/mod.ts";

/** Weights large enough that attention is uneven and every branch matters. With weights drawn for training, all logits are near zero. */
export function fill(store: ParameterStore, executor: Executor): void {
  for (const [step, { name, shape, init }] of store.specs.entries()) {
    if (init.kind !== "normal") continue;
    const values = fillNormal(new Float32Array(sizeOf(shape)), { seed: 8, stream: 100, step }, {
      deviation: 1.5 / Math.sqrt(shape.at(-1)!),
    });
    executor.write(store.tensor(name), values);
  }
}
