/** This engine. */
import { at } from "../../../../core/lists.ts";
import { ParameterStore } from "../../../../core/params/store.ts";
import { trainingPlan } from "../../../../core/train/plans.ts";
import { scheduleVector } from "../../../../core/train/schedule.ts";
import { openWebgpu } from "../../../../core/webgpu/mod.ts";
import { OPTIMIZER, type Peer, type Task, type Trainee } from "./task.ts";

async function open({ config, B, T, ids, targets }: Task, { adapter }: { adapter: string }): Promise<Trainee> {
  const executor = await openWebgpu({ adapter }), store = new ParameterStore(config);
  store.initialise(executor, 1);
  const made = trainingPlan(store, { B, T, decay: OPTIMIZER.decay }), program = await executor.prepare(made.plan);
  program.write(made.ids, ids);
  program.write(made.targets, targets);
  program.write(made.weight, new Float32Array(B * T).fill(1));
  let t = 0;
  return {
    parameters: store.specs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0),
    step: async () => {
      program.write(made.schedule, scheduleVector(++t, OPTIMIZER));
      await program.run();
    },
    loss: async () => at(at(await program.drainMetrics(), -1), made.metricNames.indexOf("loss")),
  };
}

export default { name: "hymba", open } satisfies Peer;
