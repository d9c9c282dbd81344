import { strict as assert } from "node:assert";
import { type ArchType, PRESETS } from "../../core/config/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { matchParameters, resolvedStudy } from "../../core/study/match.ts";
import { parameterCount } from "../../core/params/specs.ts";

const widthsOf = (study: ReturnType<typeof resolvedStudy>) =>
  Object.fromEntries(study.arms.map(({ name, config }) => [name, config.ffnHidden]));

Deno.test("paper: hymba keeps its width of 1365 and its 66.47 million parameters, the others come within 1 %", () => {
  const study = resolvedStudy("paper");
  assert.equal(study.match, "parameters");
  assert.equal(study.arms.length, 5);
  for (const { name, config } of study.arms) {
    assert.ok(Math.abs(parameterCount(config) / 66_469_824 - 1) < 0.01, `${name}: ${parameterCount(config)}`);
  }
  assert.deepEqual(widthsOf(study), {
    "mamba": 1692,
    "transformer-global": 2284,
    "transformer-local": 2364,
    "hybrid-sequential": 1968,
    "hymba": 1365,
  });
});

Deno.test("nothing but the feed-forward width is changed", () => {
  const matched = resolvedStudy("paper"), plain = resolvedStudy("paper", { match: "none" });
  assert.deepEqual(new Set(Object.values(widthsOf(plain))), new Set([2048]), "the documented study's width");
  const withoutWidth = ({ arms, match: _, ...study }: typeof plain) => ({
    ...study,
    arms: arms.map(({ name, config }) => ({ name, config: { ...config, ffnHidden: 0 } })),
  });
  assert.deepEqual(withoutWidth(matched), withoutWidth(plain));
});

Deno.test("paper without matching: the documented study's sizes less its extra projections, hymba with its own", () => {
  const millions = Object.fromEntries(
    resolvedStudy("paper", { match: "none" }).arms.map((
      { name, config },
    ) => [name, (parameterCount(config) / 1e6).toFixed(2)]),
  );
  assert.deepEqual([millions["transformer-global"], millions["mamba"], millions["hymba"]], ["61.05", "74.67", "82.21"]);
});

Deno.test("every preset can be matched, and one model alone gets the width that it has among all", () => {
  for (const preset of PRESETS) {
    const study = resolvedStudy(preset, { match: "parameters" });
    const target = parameterCount(study.arms.find(({ name }) => name === "hymba")!.config);
    for (const { name, config } of study.arms) {
      assert.ok(Math.abs(parameterCount(config) / target - 1) < 0.01, `${preset} ${name}`);
      assert.deepEqual(
        resolvedStudy(preset, { match: "parameters", models: [name as ArchType] }).arms[0]!.config,
        config,
      );
    }
  }
});

Deno.test("a size that no width reaches is refused", () => {
  const [arm] = resolvedStudy("smoke", { models: ["mamba"] }).arms;
  assert.throws(() => matchParameters(arm!, 20_000), (error: HymbaError) => {
    assert.ok(error instanceof HymbaError);
    assert.match(error.message, /mamba cannot be matched to the size of hymba[^]*within 1 %[^]*width of 4/);
    return true;
  });
});
