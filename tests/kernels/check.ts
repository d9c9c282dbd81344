/** One random case of one op, on the reference and on executors, with guards around everything. */
import { type Executor, ReferenceExecutor } from "../../core/plan/mod.ts";
import { BOUNDS, compare, fillProgram, type OpCase, record } from "../ops/harness.ts";
import { guarded } from "./guards.ts";

/** Records the case once and compares each executor with the reference. Throws with the executor, the tensor and the error. */
export async function checkGuarded(name: string, op: OpCase, executors: readonly Executor[]): Promise<void> {
  const { built, guards } = guarded(record(op));
  const reference = new ReferenceExecutor(), truth = await reference.prepare(built.plan);
  fillProgram(truth, built);
  await truth.run();
  for (const executor of executors) {
    const program = await executor.prepare(built.plan), who = `${name} on ${executor.name}`;
    try {
      guards.fill(executor);
      for (const { tensor, data } of built.plan.constants) program.write(tensor, data);
      fillProgram(program, built);
      await program.run();
      await compare(built, truth, { program, who, bounds: op.bounds ?? BOUNDS });
      await guards.check(executor, who);
    } finally {
      program.dispose();
      guards.release(executor);
    }
  }
}
