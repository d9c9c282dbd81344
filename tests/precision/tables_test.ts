import { strict as assert } from "node:assert";
import { type EndLosses, endLossTable, moveOneWeight } from "./end_losses_table.ts";
import { timesTable } from "./times_table.ts";

Deno.test("a control moves one weight, and that to the next float upwards", () => {
  for (let number = 1; number <= 20; number++) {
    const weights = { norm: new Float32Array(3).fill(1), zero: new Float32Array(5), w: Float32Array.of(-0.5, 0, 2) };
    const before = structuredClone(weights);
    moveOneWeight(weights, number);
    const changed = (["norm", "zero", "w"] as const).flatMap((name) =>
      [...weights[name]].flatMap((now, i) => now === before[name][i]! ? [] : [[before[name][i]!, now] as const])
    );
    assert.equal(changed.length, 1);
    const [[was, is]] = changed as [readonly [number, number]];
    const [from, to] = new Int32Array(Float32Array.of(was, is).buffer);
    assert.ok(is > was && Math.abs(to! - from!) === 1, `${was} became ${is}`);
  }
  assert.throws(() => moveOneWeight({ w: new Float32Array(4) }, 1), /all weights are zero/);
});

Deno.test("end losses: means, what trainings lie apart, and the error of a difference", () => {
  const training = (precision: "f32" | "bf16", loss: number) =>
    ({ arm: "mamba", precision, change: 0, loss, trainingLoss: loss }) as const;
  const report: EndLosses = {
    ...{ preset: "quick", seed: 1, steps: 700, corpus: "none", tokens: 9, precisions: ["f32", "bf16", "f16"] },
    trainings: [training("f32", 1.98), training("f32", 2.02), training("bf16", 2.02), training("bf16", 2.06)],
  };
  // Deviations of 0.0283 on both sides: the difference of the means, 0.04, has an error of 0.0283.
  assert.equal(
    endLossTable(report).split("\n").at(-1),
    "| `mamba` | 2.0000 | 2: −1.00 % to +1.00 % | 2: +1.00 % to +3.00 % | +2.00 % (± 1.41 %) | not run |  |",
  );
});

Deno.test("times: ratios to f32 of the same model, and of a product to both kernels in f32", () => {
  const table = timesTable([{
    adapter: { name: "A" },
    rounds: 3,
    steps: [{ arm: "mamba", ms: { f32: 100, bf16: 110, f16: 125 } }],
    products: [{ M: 1, N: 2, K: 3, gflop_per_s: { subgroup: 40, tile: 20, f16: 10 } }],
  }]);
  assert.ok(table.includes("| A | `mamba` | 100.0 | 1.10 | 1.25 |"), table);
  assert.ok(table.includes("| A | 1×2×3 | 40.0 | 20.0 | 10.0 | 0.50 | 0.25 |"), table);
});
