import { strict as assert } from "node:assert";
import { croppedMask, DOCUMENTED } from "../../core/proof/leaky_mask.ts";
import { causalMask } from "../../core/proof/visibility.ts";
import { maskChart } from "../../core/report/mask_chart.ts";

Deno.test("masks are drawn as a PNG, and a leaking one looks other than a causal one", async () => {
  const { T, W, M } = DOCUMENTED, words = { title: "masks", footer: "test" };
  const draw = (mask: ReturnType<typeof causalMask>) => maskChart([{ title: "local", counts: "", mask }], words);
  const [leaking, causal] = await Promise.all([croppedMask({ T, W, M }), causalMask({ window: W, T, M })].map(draw));
  assert.deepEqual([...leaking!.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  assert.notDeepEqual(leaking, causal);
});
