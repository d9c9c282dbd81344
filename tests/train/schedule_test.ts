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
