import assert from "node:assert/strict";
import { attentionCodes, LEAST_PROBABILITY, probabilityOf } from "../../core/config/mod.ts";

Deno.test("attention codes: the lower triangle of every head comes back within 2.8 %, and nothing else is kept", () => {
  const P = 23, H = 3, heads = new Float32Array(H * P * P);
  for (let i = 0; i < heads.length; i++) heads[i] = Math.exp(-(i % 977) / 60);
  const codes = attentionCodes(heads, P), triangle = P * (P + 1) / 2;
  assert.equal(codes.length, H * triangle);
  for (let h = 0; h < H; h++) {
    for (let q = 0; q < P; q++) {
      for (let k = 0; k <= q; k++) {
        const p = heads[(h * P + q) * P + k]!, back = probabilityOf(codes[h * triangle + q * (q + 1) / 2 + k]!);
        if (p < LEAST_PROBABILITY) assert.equal(back, 0);
        else assert.ok(Math.abs(back / p - 1) < 0.028, `${p} came back as ${back}`);
      }
    }
  }
  assert.deepEqual([...attentionCodes(new Float32Array([1, 9, 0, 1e-7]), 2)], [255, 0, 0]);
});
