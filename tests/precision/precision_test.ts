import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { BOUND, SMOKE as study, SMOKE_TOKENS as tokens } from "./smoke.ts";
import { endLoss } from "./training.ts";

const halves = ["bf16", "f16"] as const;

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
        assert.ok(off !== 0 && Math.abs(off) <= BOUND, `${precision}: ${loss} nats, f32 ${whole}`);
      }
      // The control: f32 with one weight moved to the next float is nearer than this.
      const { loss: moved } = await train("f32", 1);
      assert.ok(Math.abs(moved / whole - 1) < 1e-4, `${moved} nats with a weight moved, ${whole} without`);
    } finally {
      await executor.close();
    }
  });
}
