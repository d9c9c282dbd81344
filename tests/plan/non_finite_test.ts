/** The debug replay on every op: a NaN in any input is named where the float64 reference meets it first. */
import { strict as assert } from "node:assert";
import { inWords, ReferenceExecutor } from "../../core/plan/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { CASES } from "../kernels/cases.ts";
import { executors } from "../ops/executors.ts";
import { type Built, fillProgram, record } from "../ops/harness.ts";

/** Executors and ops that were named. */
const NAMED = new Set<string>();

/** The random case of an op: of these two one in which the preference term counts, and the vocabulary is small. */
const recorded = (name: string) =>
  record(CASES[name]!(new Dice(7, name === "orpo_loss" || name === "linear_logp" ? 4 : 1)));

/** Everything that floats go into a plan by. */
const floatsOf = ({ inputs, cotangents }: Built) => [
  ...inputs.flatMap(({ tensor, data }) => data instanceof Float32Array ? [{ tensor, data }] : []),
  ...cotangents.map(({ cotangent, data }) => ({ tensor: cotangent, data })),
];

/** Every group of ops but the scale of the loss, which is there to meet numbers that are not finite. */
const GROUPS = Object.keys(CASES).filter((name) => name !== "loss_scale");

for (const name of GROUPS) {
  Deno.test(`the debug replay names step and tensor: ${name}`, async () => {
    const built = recorded(name);
    const poisoned = floatsOf(built).flatMap(({ tensor, data }) => [
      { tensor, data: data.map(() => NaN) },
      { tensor, data: data.map((value, i) => i === 0 ? NaN : value) },
    ]);
    for (const executor of [...await executors()]) {
      const program = await executor.prepare(built.plan);
      const reference = new ReferenceExecutor(), truth = await reference.prepare(built.plan);
      fillProgram(program, built);
      assert.equal(await program.findNonFinite(), undefined, `${executor.name}: nothing is wrong`);
      for (const { tensor, data } of poisoned) {
        for (const one of [truth, program]) {
          fillProgram(one, built);
          one.write(tensor, data);
        }
        const wanted = await truth.findNonFinite(), found = await program.findNonFinite();
        assert.equal(found?.step, wanted?.step, `${executor.name}, ${tensor.name}: ${found && inWords(found)}`);
        assert.equal(found?.tensor, wanted?.tensor, `${executor.name}, ${tensor.name}`);
        if (!found) continue;
        NAMED.add(`${executor.name} ${found.op}`);
        const { first, last, of } = found.dispatches;
        assert.ok(1 <= first && first <= last && last <= of, `${first} to ${last} of ${of}`);
      }
      program.dispose();
    }
  });
}

Deno.test("the debug replay has named every op that can write a NaN, on both executors", async () => {
  const ops = new Set(GROUPS.flatMap((name) => recorded(name).plan.steps.map(({ op }) => op)));
  for (const { name } of await executors()) {
    // attention_map reads what attention has read before it, and pack_halves writes words, no numbers.
    const silent = ["attention_map", "pack_halves"];
    assert.deepEqual([...ops].filter((op) => !NAMED.has(`${name} ${op}`)).sort(), silent);
  }
  console.log(`debug replay: ${ops.size - 2} ops named on each executor`);
});
