import { strict as assert } from "node:assert";
import { rateAt } from "../../core/train/schedule.ts";

Deno.test("the rate rises linearly to its peak and falls to zero as a cosine", () => {
  const schedule = { rate: 2, warmup: 10, steps: 110 };
  assert.equal(rateAt(1, schedule), 0.2);
  assert.equal(rateAt(5, schedule), 1);
  assert.equal(rateAt(10, schedule), 2);
  const rates = Array.from({ length: 101 }, (_, i) => rateAt(i + 10, schedule));
  for (let i = 1; i < rates.length; i++) assert.ok(rates[i]! < rates[i - 1]!);
  assert.ok(rates.at(-1)! > 0 && rates.at(-1)! < 0.001);
});

Deno.test("wsd keeps its peak until the last part and falls to zero in a straight line; a longer one has the same trunk", () => {
  const schedule = { rate: 2, warmup: 10, steps: 100, schedule: "wsd" as const, cooldown: 0.2 };
  assert.equal(rateAt(5, schedule), 1);
  for (let step = 10; step <= 80; step++) assert.equal(rateAt(step, schedule), 2);
  for (let step = 81; step <= 100; step++) assert.ok(Math.abs(rateAt(step, schedule) - 2 * (101 - step) / 21) < 1e-12);
  const longer = { ...schedule, steps: 400 };
  for (let step = 1; step <= 80; step++) assert.equal(rateAt(step, longer), rateAt(step, schedule));
  assert.equal(rateAt(100, { ...schedule, cooldown: 0 }), 2, "without a last part nothing falls");
});

Deno.test("a constant rate stays where the warm-up ends", () => {
  const schedule = { rate: 2, warmup: 4, steps: 20, schedule: "constant" as const };
  assert.deepEqual([1, 4, 5, 20].map((step) => rateAt(step, schedule)), [0.5, 2, 2, 2]);
});
