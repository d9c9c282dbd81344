import { strict as assert } from "node:assert";
import type { AdapterClass } from "../../core/device/types.ts";
import { lowerContext } from "../../core/webgpu/launch.ts";
import { spansOf } from "../../core/webgpu/ops/scan_spans.ts";

function spans(adapterClass: AdapterClass, [B, I, T]: readonly [number, number, number], scanSpans?: number) {
  const usual = lowerContext(adapterClass, { subgroupSize: 32, f16Products: false });
  const context = scanSpans === undefined ? usual : { ...usual, scanSpans };
  return spansOf({ B, I, T }, { channels: 64, context });
}

Deno.test("spans of a scan: as many as the adapter wants, of four chunks at least, none on software adapters", () => {
  assert.deepEqual(spans("discrete", [1, 256, 2048]), { count: 16, positions: 128 });
  assert.deepEqual(spans("discrete", [16, 256, 2048]), { count: 4, positions: 512 });
  assert.equal(spans("discrete", [16, 1024, 2048]).count, 1);
  assert.equal(spans("integrated", [16, 256, 2048]).count, 1);
  assert.deepEqual(spans("apple", [1, 1024, 2048]), { count: 4, positions: 512 });
  assert.equal(spans("discrete", [1, 64, 255]).count, 1);
  assert.equal(spans("software", [1, 64, 8192]).count, 1);
});

Deno.test("spans of a scan are whole chunks and cover every position once, also where they are asked for", () => {
  for (let T = 1; T < 400; T += 7) {
    for (let asked = 1; asked < 9; asked++) {
      const { count, positions } = spans("software", [1, 8, T], asked);
      assert.equal(positions % 32, 0);
      assert.ok(count <= asked && (count - 1) * positions < T && T <= count * positions);
    }
  }
});
