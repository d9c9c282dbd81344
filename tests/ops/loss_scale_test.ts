import { strict as assert } from "node:assert";
import { initialLossScale, LOSS_SCALE, lossScale, lossScaleState } from "../../core/ops/loss_scale.ts";
import { adamw, SCHEDULE_LENGTH } from "../../core/ops/optimizer.ts";
import { type Executor, finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { Tape } from "../../core/tensor/mod.ts";
import { executors } from "./executors.ts";
import { relativeError } from "./harness.ts";

const ADAM = { beta1: 0.9, beta2: 0.95, eps: 1e-8, decay: 0.1, clip: 1 };
const N = 65;

/** Updates of N parameters whose scaled gradients have these norms; the scale doubles after two good ones, up to 2¹⁷. */
async function train(executor: Executor, norms: readonly number[]) {
  const tape = new Tape(false), state = lossScaleState();
  const [norm, schedule] = [tape.input("norm", [1]), tape.input("schedule", [SCHEDULE_LENGTH])];
  const [g, p, m, v] = ["g", "p", "m", "v"].map((name) => tape.input(name, [N]));
  const used = lossScale(tape, { norm, schedule, state }, { factor: 1.5, ...ADAM, growEvery: 2, most: 2 ** 17 });
  adamw(tape, { g: g!, p: p!, m: m!, v: v!, ...used }, ADAM, { scaled: true });
  const plan = finish(tape, {
    name: "loss scale test",
    outputs: [p!, m!, v!, used.schedule],
    metrics: [used.norm, used.scaling],
  });
  const program = await executor.prepare(plan);
  executor.write(state, initialLossScale());
  for (const [tensor, value] of [[p!, 0.5], [m!, 0], [v!, 0]] as const) {
    program.write(tensor, new Float32Array(N).map((_, i) => value * (1 + i / N)));
  }
  const states: number[][] = [], parameters: Float32Array[] = [];
  for (const value of norms) {
    program.write(norm, Float32Array.of(value));
    program.write(schedule, Float32Array.of(0.01, 7, 7, 7)); // the corrections of the host are ignored here
    program.write(g!, new Float32Array(N).map((_, i) => Number.isFinite(value) ? value * Math.sin(i + 1) : Infinity));
    await program.run();
    states.push([...await executor.read(state)]);
    const [weights, first, second] = await Promise.all([p!, m!, v!].map((tensor) => program.read(tensor)));
    parameters.push(Float32Array.of(...weights!, ...first!, ...second!));
  }
  const reports = (await program.drainMetrics()).map((row) => [...row]);
  program.dispose();
  executor.release(state.storage.pinned!.arena);
  return { states, parameters, reports };
}

const NORMS = [3e4, NaN, 5e4, 2e4, 1e4, 1e5, Infinity, 4e4];

Deno.test("loss scale: halved and the update left out when the norm is not finite, doubled after good updates, never above its largest", async () => {
  const { states, reports, parameters } = await train(new ReferenceExecutor(), NORMS), start = LOSS_SCALE.start;
  assert.deepEqual(states.map(([scale]) => scale! / start), [1, 0.5, 0.5, 1, 1, 2, 1, 1]);
  assert.deepEqual(states.map(([, good]) => good), [1, 0, 1, 0, 1, 0, 0, 1]);
  assert.deepEqual(reports.map(([, , skipped]) => skipped), [0, 1, 0, 0, 0, 0, 1, 0]);
  assert.deepEqual(reports.map(([, scale]) => scale! / start), [1, 1, 0.5, 0.5, 1, 1, 2, 1]);
  assert.ok(Math.abs(reports[0]![0]! - 1.5 * NORMS[0]! / start) < 1e-6);
  // Six updates were made, so the corrections are those of six updates.
  assert.ok(
    Math.abs(states.at(-1)![2]! - (1 - 0.9 ** 6)) < 1e-7 && Math.abs(states.at(-1)![3]! - (1 - 0.95 ** 6)) < 1e-7,
  );
  for (const skipped of [1, 6]) assert.deepEqual(parameters[skipped], parameters[skipped - 1]);
  assert.notDeepEqual(parameters[2], parameters[1]);
});

Deno.test("loss scale: at the largest scale good updates change nothing, at 1 overflows change nothing", async () => {
  const { states } = await train(new ReferenceExecutor(), [...Array(6).fill(1), ...Array(20).fill(Infinity)]);
  assert.equal(states[5]![0], 2 ** 17);
  assert.equal(states.at(-1)![0], 1);
});

Deno.test("loss scale: executors do what the reference does", async () => {
  const truth = await train(new ReferenceExecutor(), NORMS);
  for (const executor of await executors()) {
    const got = await train(executor, NORMS);
    for (const [step, state] of truth.states.entries()) {
      const who = `${executor.name}, step ${step + 1}`;
      assert.deepEqual(got.states[step]!.slice(0, 2), state.slice(0, 2), who);
      assert.deepEqual(got.reports[step]!.slice(1), truth.reports[step]!.slice(1), who);
      assert.ok(
        relativeError(got.states[step]!, state) <= 2e-6 &&
          relativeError(got.reports[step]!, truth.reports[step]!) <= 2e-6,
        who,
      );
      assert.ok(relativeError(got.parameters[step]!, truth.parameters[step]!) <= 2e-6, who);
    }
  }
});
