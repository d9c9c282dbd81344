import { strict as assert } from "node:assert";
import { classOf, fallen, HOT_OPS, measuredShares, openExact, readBaselines } from "./gate.ts";
import { thorough } from "../thorough.ts";

Deno.test("gate: a kernel fails when its share is more than 30 % below the baseline, or without a baseline", () => {
  assert.deepEqual(fallen({ a: 0.36, b: 0.34, c: 0.9 }, { a: 0.5, b: 0.5, d: 1 }), ["b", "c"]);
  assert.deepEqual(fallen({ a: NaN }, { a: 0.5 }), ["a"]);
});

thorough("gate: no hot kernel is more than 30 % below its baseline on this adapter", async (t) => {
  const executor = await openExact();
  try {
    const name = classOf(executor.opened), baseline = (await readBaselines())[name]?.shares;
    if (!baseline) {
      console.log(`no baseline for ${name}: deno run -A tests/bench/gate.ts --write makes one`);
      return;
    }
    const shares = await measuredShares(executor, { seconds: 30, baseline });
    await t.step(
      "unchanged kernels",
      () => assert.deepEqual(fallen(shares, baseline), [], JSON.stringify({ shares, baseline })),
    );
    await t.step("negative control: kernels that do their work twice are found", async () => {
      const ops = HOT_OPS.slice(0, 1),
        slow = await measuredShares(executor, { ops, seconds: 0, baseline, repeated: 2 });
      assert.deepEqual(fallen(slow, shares), Object.keys(slow), JSON.stringify({ slow, shares }));
    });
  } finally {
    await executor.close();
  }
});
