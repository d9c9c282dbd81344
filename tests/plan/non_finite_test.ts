/** The debug replay on every op: it names a NaN in any input at the same step as the float64 reference. */
import { strict as assert } from "node:assert";
import { type Executor, inWords, ReferenceExecutor } from "../../core/plan/mod.ts";
import { selectiveScan } from "../../core/ops/selective_scan.ts";
import { withRows } from "../../core/tensor/mod.ts";
import { Dice } from "../fuzz/dice.ts";
import { CASES } from "../kernels/cases.ts";
import { executors } from "../ops/executors.ts";
import { ScanInSpans } from "../ops/scan_in_spans.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { type Built, fillProgram, record } from "../ops/harness.ts";
import { thorough } from "../thorough.ts";

/** Executors and ops that were tested. */
const NAMED = new Set<string>();

/**
 * Ops whose fourth random case is taken: the preference term matters in it and the vocabulary is small; the caches are filled, so
 * that no guard (a NaN) lies behind the end of a shorter sequence.
 */
const FOURTH = ["orpo_loss", "linear_logp", "cache_append_and_attention_decode"];

const recorded = (name: string) => record(CASES[name]!(new Dice(7, FOURTH.includes(name) ? 4 : 1)));

/** Every tensor through which floats enter a plan. */
const floatsOf = ({ inputs, cotangents }: Built) => [
  ...inputs.flatMap(({ tensor, data }) => data instanceof Float32Array ? [{ tensor, data }] : []),
  ...cotangents.map(({ cotangent, data }) => ({ tensor: cotangent, data })),
];

/** Every group of ops except the loss scale, whose purpose is to handle numbers that are not finite. */
const GROUPS = Object.keys(CASES).filter((name) => name !== "loss_scale");

/** Writes NaN into each input and cotangent, into every element and into one, and asks where it was found. */
async function checkNamed(executor: Executor, built: Built): Promise<void> {
  const poisoned = floatsOf(built).flatMap(({ tensor, data }) => [
    { tensor, data: data.map(() => NaN) },
    { tensor, data: data.map((value, i) => i === 0 ? NaN : value) },
  ]);
  const program = await executor.prepare(built.plan), truth = await new ReferenceExecutor().prepare(built.plan);
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

for (const name of GROUPS) {
  thorough(`the debug replay names step and tensor: ${name}`, async () => {
    for (const executor of await executors()) await checkNamed(executor, recorded(name));
  }, { unless: name === "swiglu" });
}

thorough("the debug replay names step and tensor: a scan in spans, NaN in each of them", async () => {
  const gpu = (await executors()).find((executor) => executor instanceof WebgpuExecutor)!;
  const spans = new ScanInSpans(gpu as WebgpuExecutor, 3), N = 3, T = 80, I = 5;
  const built = record({
    withoutCotangent: ["states"],
    build: (tape, input) => {
      const udt = withRows(input("udt", [1, T, 2, I]), 2), bc = withRows(input("bc", [1, T, 2, N]), 2);
      return selectiveScan(tape, { udt, bc, aLog: input("aLog", [I, N]), h0: input("h0", [1, I, N]) }, { softplus: 1 });
    },
  });
  assert.ok(spans.lower(built.plan).some(({ kernel }) => kernel.name.includes("selective_scan_carry")));
  await checkNamed(spans, built);
  // In the forward pass, a NaN in a later span changes nothing before it, and makes every state after it NaN.
  const program = await spans.prepare(built.plan), truth = await new ReferenceExecutor().prepare(built.plan);
  const { y } = built.outputs, udt = built.inputs[0]!;
  for (const at of [0, 31, 32, 47, 64, T - 1]) {
    for (const channel of [0, I - 1]) {
      for (const one of [program, truth]) {
        fillProgram(one, built);
        // The second half of a row is the step sizes.
        one.write(udt.tensor, udt.data.map((value, i) => i === (2 * at + 1) * I + channel ? NaN : value));
        await one.run();
      }
      const got = await program.read(y!), wanted = truth.readExact(y!);
      const places = (values: ArrayLike<number>) => Array.from(values, Number.isNaN);
      assert.deepEqual(places(got), places(wanted), `NaN at position ${at}, channel ${channel}`);
    }
  }
  program.dispose();
});

thorough("the debug replay has named every op that can write a NaN, on both executors", async () => {
  const ops = new Set(GROUPS.flatMap((name) => recorded(name).plan.steps.map(({ op }) => op.name)));
  for (const { name } of await executors()) {
    // attention_map and cache_fill read what an attention has read before them; pack_halves and sample write words, not floats.
    const silent = ["attention_map", "cache_fill", "pack_halves", "sample"];
    assert.deepEqual([...ops].filter((op) => !NAMED.has(`${name} ${op}`)).sort(), silent);
  }
  console.log(`debug replay: ${ops.size - 4} ops named on each executor`);
});
