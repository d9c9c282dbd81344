import { strict as assert } from "node:assert";
import { ReferenceExecutor } from "../../core/plan/mod.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { randomInteger } from "../../core/random.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { executors } from "../ops/executors.ts";
import { relativeError } from "../ops/harness.ts";
import { furtherModels, smallModels } from "./models.ts";

const B = 2, T = 11;

for (const { name, config } of [...smallModels(), ...furtherModels()]) {
  Deno.test(`first step of ${name}: the loss is near ln V, and loss, norm and updated parameters are the reference's`, async () => {
    const truth = new ReferenceExecutor(), V = config.vocabSize;
    const ids = Uint32Array.from(
      { length: B * (T + 1) },
      (_, i) => randomInteger({ seed: 3, stream: 100, step: 0 }, i, V),
    );
    const losses: number[][] = [], parameters: Record<string, Float32Array>[] = [];
    for (const executor of [truth, ...await executors()]) {
      const store = new ParameterStore(config);
      store.initialise(executor, 1);
      const made = trainingPlan(store, { B, T, decay: 0.1 });
      const program = await executor.prepare(made.plan);
      program.write(made.ids, ids.slice(0, B * T));
      program.write(made.targets, ids.slice(B, B * T + B));
      program.write(made.weight, new Float32Array(B * T).fill(1));
      for (let step = 1; step <= 2; step++) {
        program.write(made.schedule, Float32Array.of(1e-3, 1 - 0.9 ** step, 1 - 0.95 ** step, 0));
        await program.run();
      }
      const runs = await program.drainMetrics();
      losses.push(runs.flatMap((values) => [...values]));
      parameters.push(await store.read(executor));
      program.dispose();
      store.release(executor);
    }
    assert.ok(Math.abs(losses[0]![0]! / Math.log(V) - 1) < 0.03, `loss ${losses[0]![0]} against ln V = ${Math.log(V)}`);
    assert.ok(losses[0]![2]! < losses[0]![0]!, "one update on the same batch lowers the loss");
    for (const [i, other] of losses.slice(1).entries()) {
      assert.ok(relativeError(other, losses[0]!) < 1e-4, `metrics ${other} against ${losses[0]}`);
      for (const [parameter, values] of Object.entries(parameters[i + 1]!)) {
        const error = relativeError(values, parameters[0]![parameter]!);
        assert.ok(error < 5e-4, `${parameter} is off by ${error}`);
      }
    }
  });
}
