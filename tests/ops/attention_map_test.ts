import { strict as assert } from "node:assert";
import { attention } from "../../core/ops/attention.ts";
import { attentionMap } from "../../core/ops/attention_map.ts";
import { finish, ReferenceExecutor } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { Tape, withRows } from "../../core/tensor/mod.ts";
import { executors } from "./executors.ts";
import { relativeError } from "./harness.ts";

for (const [window, meta] of [[0, 0], [5, 0], [5, 3]] as const) {
  Deno.test(`attention_map, window ${window}, meta ${meta}: the probabilities of the forward pass, rows that sum to 1`, async () => {
    const [B, T, H, G, K] = [2, 13, 4, 2, 6], tape = new Tape(false);
    const [q, k, v] = [H, G, G].map((heads, i) => withRows(tape.input("qkv"[i]!, [B, T, heads, K]), 2));
    const { lse } = attention(tape, { q: q!, k: k!, v: v! }, { window, meta });
    const p = attentionMap(tape, { q: q!, k: k!, lse }, { window, meta });
    const plan = finish(tape, { name: "map", outputs: [p] });
    const found: Float64Array[] = [];
    for (const executor of [new ReferenceExecutor(), ...await executors()]) {
      const program = await executor.prepare(plan);
      for (const [step, x] of [q, k, v].entries()) {
        program.write(x!, fillNormal(new Float32Array(x!.rows * x!.columns), { seed: 1, stream: 100, step }));
      }
      await program.run();
      found.push(Float64Array.from(await program.read(p)));
      program.dispose();
    }
    for (let row = 0; row < H * T; row++) {
      const t = row % T, values = found[0]!.subarray(row * T, (row + 1) * T);
      assert.ok(Math.abs(values.reduce((sum, x) => sum + x, 0) - 1) < 1e-6);
      for (const [s, x] of values.entries()) {
        const seen = s <= t && (window === 0 || t - s < window || s < meta);
        assert.equal(x > 0, seen, `query ${t}, key ${s}`);
      }
    }
    for (const other of found.slice(1)) assert.ok(relativeError(other, found[0]!) < 2e-5);
  });
}
