import { strict as assert } from "node:assert";
import type { Measured } from "./child.ts";
import { comparison, type Result } from "./compare.ts";
import { at } from "../../../../core/lists.ts";

const measured = (speed: number, changed: Partial<Measured> = {}): Measured => ({
  parameters: 10,
  losses: [7, 6],
  tokens_per_s: [speed / 2, speed],
  first_step_s: 1,
  ...changed,
});
const rows = (peers: Record<string, Result>) =>
  comparison([{ model: "mamba", engines: { hymba: measured(1200), ...peers } }], {
    model: "hymba",
    engines: { hymba: measured(780) },
  });

Deno.test("peers: the ratio is to the fastest other engine that ran, best run against best run; hymba's to our Mamba", () => {
  const both = rows({ tf: measured(50), jax: measured(80) }), mamba = at(both, 0), hymba = at(both, 1);
  assert.deepEqual([mamba.ratio, mamba.target, hymba.ratio, hymba.target], [15, 12, 0.65, 0.6]);
  assert.equal(at(rows({ tf: measured(50), jax: { reason: "no adapter" } }), 0).ratio, 24);
  const alone = at(rows({ tf: { reason: "no adapter" } }), 0);
  assert.deepEqual([alone.ratio, alone.tokens_per_s], [null, { hymba: 1200, tf: null }]);
});

Deno.test("peers: no ratio for another model, other losses, or losses that do not fall", () => {
  assert.throws(() => rows({ tf: measured(50, { parameters: 11 }) }), /11 parameters in tf, 10 here/);
  assert.throws(
    () => rows({ tf: measured(50, { losses: [7, 6.001] }) }),
    /losses from equal weights differ by 0\.00016/,
  );
  assert.throws(() => rows({ tf: measured(50, { losses: [7, 7] }) }), /does not fall/);
  assert.throws(() => rows({ tf: measured(50, { losses: [NaN, NaN] }) }), /does not fall/);
});
