import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { onePiece, type TokenData } from "../../core/data/parts.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { randomInteger } from "../../core/random.ts";
import { endLoss } from "./training.ts";

/** Random tokens. Three of four are determined by the token before, so that forty steps can learn something. */
function madeUpTokens(V: number): TokenData {
  const draw = (i: number, below: number) => randomInteger({ seed: 7, stream: 100, step: below }, i, below);
  const all = new Uint32Array(12_000);
  for (let i = 1; i < all.length; i++) all[i] = draw(i, 4) === 0 ? draw(i, V) : (5 * all[i - 1]! + 7) % V;
  return { train: onePiece(all.slice(0, 10_000)), validation: onePiece(all.slice(10_000), 2000) };
}

/** `smoke` at half its rate. At its own rate of 0.01 even f32 with one weight moved to the next float ends 0.012 % away in `hymba`. */
const smoke = resolvedStudy("smoke"), study = { ...smoke, pretraining: { ...smoke.pretraining, rate: 5e-3 } };
const tokens = madeUpTokens(study.vocabSize), halves = ["bf16", "f16"] as const;

for (const arm of study.arms) {
  Deno.test(`${arm.name}: forty steps in bf16 and f16 end within 0.5 % of f32`, async () => {
    const executor = await CpuExecutor.create({ threads: 1 });
    try {
      const train = (precision: "f32" | "bf16" | "f16", change = 0) =>
        endLoss(executor, arm, { study, tokens, precision, change });
      const { loss: whole } = await train("f32");
      assert.ok(whole < 0.98 * Math.log(study.vocabSize), `${whole} nats: nothing was learned`);
      for (const precision of halves) {
        const { loss } = await train(precision), off = loss / whole - 1;
        assert.ok(off !== 0 && Math.abs(off) <= 5e-3, `${precision}: ${loss} nats, f32 ${whole}`);
      }
      // The control: f32 with one weight moved to the next float is nearer than this.
      const { loss: moved } = await train("f32", 1);
      assert.ok(Math.abs(moved / whole - 1) < 1e-4, `${moved} nats with a weight moved, ${whole} without`);
    } finally {
      await executor.close();
    }
  });
}
