/** Presets as study files give exactly the studies that they gave as code. */
import { strict as assert } from "node:assert";
import { type Arm, HymbaConfig, PRESETS, startDeviation, type StudyConfig, SUITES } from "../../core/config/mod.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import type { Overrides } from "../../core/study_file/mod.ts";

/** Written by the last version that had its presets as code: every preset with every suite, the profile and many flags. */
async function before(): Promise<Record<string, StudyConfig>> {
  const file = await Deno.open(new URL("studies_before.json.gz", import.meta.url));
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).json();
}

const FLAGS: Overrides = {
  ...{ match: "none", seeds: 2, steps: 7, orpoSteps: 3, beta: 0.5, orpoLoss: "seed", rejected: "corrupt" },
  ...{ remat: true, precision: "bf16", models: ["hymba", "samba"] },
};

/**
 * A kept study with the fields of a configuration that are newer than it, at their usual values. All weights started from
 * N(0, 0.02) then. The documented arms and the probe, whose deviation is given, still start as they did.
 */
function withNewFields(study: StudyConfig): StudyConfig {
  const full = (arms: readonly Arm[]) => arms.map(({ name, config }) => ({ name, config: new HymbaConfig(config) }));
  const recall = study.recall && { ...study.recall, arms: full(study.recall.arms) }, arms = full(study.arms);
  assert.deepEqual(new Set(arms.map(({ config }) => config.initDeviation)), new Set([0.02]));
  const started = study.suite === "seed" ? arms : arms.map(({ name, config }) => ({
    name,
    config: config.with({ initDeviation: startDeviation(config.dModel) }),
  }));
  return { ...study, arms: started, ...(recall ? { recall } : {}) };
}

/** Suites that did not exist. */
const NEWER = ["decompose", "frontier"];

/** A study without its models. Those of `roadmap` are others than they were: each step changes one field. */
const withoutModels = ({ arms: _, recall, ...study }: StudyConfig) => ({
  ...study,
  recall: recall && { ...recall, arms: [] },
});

Deno.test("every preset with every suite, profile and flag is the study that it was", async () => {
  const kept = await before(), seen = new Set<string>();
  const same = (name: string, preset: string, overrides: Overrides) => {
    seen.add(name);
    const found = kept[name] ?? assert.fail(name);
    const [now, then] = [resolvedStudy(preset, overrides), withNewFields(found)];
    if (overrides.suite === "roadmap") assert.deepEqual(withoutModels(now), withoutModels(then), name);
    else assert.deepEqual(now, then, name);
  };
  for (const preset of PRESETS) {
    for (const suite of SUITES.filter((suite) => !NEWER.includes(suite))) same(`${preset} ${suite}`, preset, { suite });
    same(`${preset} profile seed`, preset, { profile: "seed" });
    same(`${preset} match none`, preset, FLAGS);
  }
  same("arms of all names", "quick", { models: ["mamba", "hymba", "samba"] });
  assert.deepEqual([...seen].sort(), Object.keys(kept).sort());
});
