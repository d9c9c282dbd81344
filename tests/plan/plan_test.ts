import { strict as assert } from "node:assert";
import { HymbaError } from "../../core/errors.ts";
import { linear } from "../../core/ops/linear.ts";
import { rmsnorm } from "../../core/ops/rmsnorm.ts";
import { swiglu } from "../../core/ops/swiglu.ts";
import { assignSlots, finish, lifetimesOf, ReferenceExecutor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { referenceFor } from "../../core/reference/mod.ts";
import { defineOp, reshape, sliceColumns, stepOf, Storage, Tape, tensorOver } from "../../core/tensor/mod.ts";
import { executors } from "../ops/executors.ts";

Deno.test("slots: no two storages that are alive together share one, and the total is near the peak", () => {
  const draw = (index: number, below: number) => randomInteger({ seed: 1, stream: 100, step: 0 }, index, below);
  const work = Array.from({ length: 200 }, () => ({ uses: [] as Storage[] }));
  const lives = Array.from({ length: 120 }, (_, i) => {
    const storage = new Storage(`s${i}`, 1 + draw(3 * i, 5000), "f32"),
      first = draw(3 * i + 1, 190),
      last = first + draw(3 * i + 2, 10);
    for (let at = first; at <= last; at++) work[at]!.uses.push(storage);
    return { storage, first, last };
  });
  const lifetimes = lifetimesOf(work, { keep: [], untilEnd: [] });
  const { slotOf, slotBytes, peakBytes } = assignSlots(lifetimes);
  for (const a of lives) {
    assert.ok(slotBytes[slotOf.get(a.storage)!]! >= a.storage.elements * 4);
    for (const b of lives) {
      if (a === b || slotOf.get(a.storage) !== slotOf.get(b.storage)) continue;
      assert.ok(a.last < b.first || b.last < a.first, `${a.storage.name} and ${b.storage.name} overlap`);
    }
  }
  const total = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(total >= peakBytes && total < 1.3 * peakBytes, `${total} bytes for a peak of ${peakBytes}`);
});

Deno.test("tensors: slices keep their stride, and what cannot be a view is refused", () => {
  const wide = tensorOver(new Storage("wide", 24, "f32"), [2, 3, 4]);
  const slice = sliceColumns(wide, 1, [2]);
  assert.deepEqual([slice.shape, slice.offset, slice.rows, slice.columns, slice.rowStride], [[2, 3, 2], 1, 6, 2, 4]);
  assert.deepEqual(reshape(slice, [2, 3, 1, 2], 2).shape, [2, 3, 1, 2]);
  assert.throws(() => reshape(slice, [12]), HymbaError);
  assert.throws(() => sliceColumns(wide, 3, [2]), /do not exist/);
});

Deno.test("a plan that reads what nothing wrote is refused by name", () => {
  const tape = new Tape(false), ghost = tape.tensor("ghost", [2, 4]);
  swiglu(tape, ghost);
  assert.throws(
    () => finish(tape, { name: "broken" }),
    /broken: swiglu_forward reads gu \(ghost\) before anything wrote it/,
  );
});

Deno.test("a step of an op that is not in the registry is refused by name, also by the reference", () => {
  const stranger = defineOp({ name: "stranger", phase: "any", attributes: [], reads: {}, writes: {}, flops: () => 0 });
  const step = stepOf(stranger, { attributes: {}, reads: {}, writes: {} });
  assert.throws(() => referenceFor(step), /the op stranger is not in core\/ops\/registry\.ts/);
});

Deno.test("a gradient with a slice that reaches no output is refused", () => {
  const tape = new Tape(), wide = tape.input("wide", [3, 8], { gradient: true });
  const projected = linear(tape, { x: wide, w: tape.input("w", [8, 8], { gradient: true }) });
  const { y } = rmsnorm(tape, { x: sliceColumns(projected, 0, [4]), w: tape.input("n", [4], { gradient: true }) }, {
    eps: 1e-6,
  });
  const seed = tape.input("seed", [3, 4]);
  assert.throws(() => tape.backward([[y, seed]]), /incomplete/);
});

Deno.test("the debug replay names the first step that writes a number that is not finite", async () => {
  const tape = new Tape(false), x = tape.input("x", [2, 4]), w = tape.input("w", [4, 4]);
  const good = linear(tape, { x, w }, { name: "good" });
  const bad = linear(tape, { x: good, w: tape.input("poison", [4, 4]) }, { name: "bad" });
  const { y } = rmsnorm(tape, { x: bad, w: tape.input("n", [4]) }, { eps: 1e-6 });
  const plan = finish(tape, { name: "debug", outputs: [y] });
  for (const executor of [new ReferenceExecutor(), ...await executors()]) {
    const program = await executor.prepare(plan);
    for (const input of plan.inputs) {
      program.write(input, new Float32Array(input.rows * input.columns).fill(input.name === "poison" ? Infinity : 1));
    }
    const found = await program.findNonFinite();
    assert.equal(found?.step, 1, executor.name);
    assert.equal(found?.tensor, "bad", executor.name);
    program.dispose();
  }
});
