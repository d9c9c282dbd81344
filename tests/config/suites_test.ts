import { strict as assert } from "node:assert";
import {
  ArchType,
  armsOf,
  cacheSize,
  differingFields,
  FACTORS,
  factorsOf,
  isOn,
  layersOf,
  PRESETS,
  SUITES,
} from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { parameterCount, parameterSpecs } from "../../core/params/specs.ts";

const SHAPE = {
  ...{
    vocabSize: 512,
    dModel: 64,
    nLayers: 7,
    nHeads: 4,
    nKvHeads: 2,
    ffnHidden: 192,
    swaWindow: 32,
    numMetaTokens: 8,
  },
};

const named = (suite: typeof SUITES[number]) =>
  Object.fromEntries(armsOf(suite, SHAPE).map(({ name, config }) => [name, config]));

Deno.test("factorial: eight hymbas that differ in three fields and in nothing else, all combinations once", () => {
  const arms = armsOf("factorial", SHAPE), fields = FACTORS.map(({ field }) => field);
  assert.equal(arms.length, 8);
  const combinations = arms.map(({ config }) => fields.map((field) => config[field]).join());
  assert.equal(new Set(combinations).size, 8);
  const rest = arms.map(({ config }) =>
    JSON.stringify({ ...config, ...Object.fromEntries(fields.map((f) => [f, 0])) })
  );
  assert.equal(new Set(rest).size, 1);
  const { hymba } = named("factorial"), [usual] = armsOf("arms", SHAPE, ["hymba"]);
  assert.deepEqual(layersOf(hymba!), layersOf(usual!.config), "all three switched on is hymba");
});

Deno.test("factorial: sharing shares the same layers with and without windows, and windows do not share", () => {
  const { sharing, window, none, "sharing-window": both } = named("factorial");
  const owners = (config: typeof sharing) => layersOf(config!).map(({ kvOwner }) => kvOwner);
  assert.deepEqual(owners(sharing), owners(both));
  assert.deepEqual(owners(window), owners(none));
  assert.ok(layersOf(sharing!).every(({ window }) => window === 0));
  assert.deepEqual(layersOf(window!).map(({ window }) => window), [0, 32, 32, 0, 32, 32, 0]);
});

/** The widths that matching decides differ besides. */
const withoutMatching = (fields: readonly string[]) => fields.filter((field) => field !== "ffnHidden");

Deno.test("roadmap: each step changes one field of the step before, and the last step is hymba", () => {
  const arms = armsOf("roadmap", SHAPE),
    steps = arms.slice(1).map(({ name, config }, i) => ({
      name,
      changed: differingFields(arms[i]!.config, config),
    }));
  assert.deepEqual(steps.map(({ name, changed }) => `${name}: ${changed.join(" and ")}`), [
    ...["mamba: archType", "a-sequential: archType", "b1-wide-values: valueHeadDim", "b2-parallel: archType"],
    ...["b3-branch-norms: fusion", "b4-inner-norms: innerNorms", "c-local-global: windowed"],
    ...["d-sharing: useKvSharing", "e-meta: useMetaTokens"],
  ]);
  const [hymba] = armsOf("arms", SHAPE, ["hymba"]);
  assert.deepEqual({ ...arms.at(-1)!.config }, { ...hymba!.config });
});

Deno.test("roadmap: steps of every preset differ in one field besides the feed-forward width of matched models", () => {
  for (const preset of PRESETS) {
    const { arms, recall } = resolvedStudy(preset, { suite: "roadmap" });
    for (const list of [arms, recall?.arms ?? []]) {
      for (const [i, { name, config }] of list.slice(1).entries()) {
        const changed = withoutMatching(differingFields(list[i]!.config, config));
        assert.equal(changed.length, 1, `${preset}, ${name}: ${changed}`);
      }
    }
  }
});

Deno.test("suites of one factor: two models differ in no field that is not a factor", () => {
  const factors = new Map<"fusion" | "factorial" | "decompose", readonly string[]>([["fusion", ["fusion"]]]);
  for (const suite of ["factorial", "decompose"] as const) {
    factors.set(
      suite,
      factorsOf(suite).map(({ field }) => field),
    );
  }
  for (const [suite, fields] of factors) {
    const { arms, recall } = resolvedStudy("quick", { suite });
    for (const list of [arms, recall!.arms]) {
      for (const { name, config } of list) {
        const changed = withoutMatching(differingFields(list[0]!.config, config));
        assert.ok(changed.every((field) => fields.includes(field)), `${name}: ${changed}`);
      }
    }
  }
});

Deno.test("decompose: eight models of one size, each combination of convolution, state and attention once", () => {
  const { arms } = resolvedStudy("quick", { suite: "decompose" }), factors = factorsOf("decompose");
  assert.deepEqual(arms.map(({ name }) => name), [
    ...["none", "convolution", "state", "convolution-state", "attention", "convolution-attention", "state-attention"],
    "all-three",
  ]);
  for (const { name, config } of arms) {
    for (const factor of factors) {
      assert.equal(isOn(config, factor), name === "all-three" || name.includes(factor.name), `${name}, ${factor.name}`);
    }
    const [layer] = layersOf(config);
    assert.deepEqual([layer!.mamba, layer!.attention], [true, isOn(config, factors[2]!)], name);
    assert.equal(layer!.window, 0);
  }
  const counts = arms.map(({ config }) => parameterCount(config));
  assert.ok(Math.max(...counts) / Math.min(...counts) < 1.02, `${counts}`);
});

Deno.test("frontier: state, window and share of attention, each alone, and more of each is a larger cache", () => {
  const { arms } = resolvedStudy("quick", { suite: "frontier" });
  const found = Object.fromEntries(arms.map(({ name, config }) => [name, config]));
  const bytes = (name: string) => {
    const { kvBytes, stateBytes } = cacheSize(found[name]!, 96);
    return kvBytes + stateBytes;
  };
  for (
    const names of [
      ["state-quarter", "state-usual", "state-fourfold"],
      ["window-quarter", "window-usual", "window-double", "attention-half"],
    ]
  ) {
    for (const [i, name] of names.slice(1).entries()) assert.ok(bytes(name) > bytes(names[i]!), name);
  }
  const attending = (name: string) => layersOf(found[name]!).filter(({ attention }) => attention).length;
  assert.deepEqual(["attention-quarter", "attention-half", "attention-all"].map(attending), [2, 4, 7]);
  assert.deepEqual(["window-quarter", "window-usual", "window-double"].map((name) => found[name]!.swaWindow), [
    8,
    32,
    64,
  ]);
  assert.equal(attending("window-usual"), 4);
});

Deno.test("the layers of roadmap: windows from c on, sharing from d on, meta tokens in e", () => {
  const steps = Object.values(named("roadmap")).map((config) => ({
    both: layersOf(config).some(({ attention, mamba }) => attention && mamba),
    windows: layersOf(config).some(({ window }) => window > 0),
    shares: layersOf(config).some(({ index, kvOwner }) => kvOwner !== index),
    meta: config.metaTokens > 0,
  }));
  const counts = steps.slice(2).map((step) => Object.values(step).filter(Boolean).length);
  assert.deepEqual(counts, [0, 0, 1, 1, 1, 2, 3, 4]);
});

Deno.test("fusion: concatenation doubles the output projection, a gate is one number a layer, a sum has none", () => {
  const { hymba, "fusion-sum": sum, "fusion-concat": concat, "fusion-gate": gate } = named("fusion");
  const layers = 7, inner = 128, norms = layers * 2 * inner;
  assert.equal(parameterCount(hymba!) - parameterCount(sum!), norms);
  assert.equal(parameterCount(gate!) - parameterCount(sum!), layers);
  assert.equal(parameterCount(concat!) - parameterCount(sum!), layers * inner * 64);
});

Deno.test("samba has windows in every attention layer and nothing shared, falcon-h1 adds full attention and Mamba", () => {
  const [samba, falcon] = armsOf("arms", SHAPE, ["samba", "falcon-h1"]);
  assert.deepEqual(layersOf(samba!.config).map(({ window }) => window), [0, 32, 0, 32, 0, 32, 0]);
  assert.equal(samba!.config.archType, ArchType.HYBRID_SEQUENTIAL);
  assert.equal(falcon!.config.fusion, "sum");
  const { innerNorms, windowed, useKvSharing, useMetaTokens, valueHeadDim, ropeBase } = falcon!.config;
  assert.deepEqual([innerNorms, windowed, useKvSharing, useMetaTokens], [false, false, false, false]);
  assert.deepEqual([valueHeadDim, ropeBase], [16, 1e11]);
  assert.ok(falcon!.config.separateOutputs);
  const specs = new Map(parameterSpecs(falcon!.config).map(({ name, shape }) => [name, shape]));
  assert.deepEqual(specs.get("layers.0.attention.out_proj"), [64, 64], "attention has its own projection");
  assert.deepEqual(specs.get("layers.0.mamba.out_proj"), [64, 128], "and so has Mamba");
  assert.equal(specs.get("layers.0.out_proj"), undefined);
  assert.equal(cacheSize(falcon!.config, 96).layerRatio, 1);
});

Deno.test("every suite fits every preset; those that compare one factor have models of one size", () => {
  for (const preset of PRESETS) {
    for (const suite of SUITES) {
      const { arms, match } = resolvedStudy(preset, { suite }),
        counts = arms.map(({ config }) => parameterCount(config));
      assert.equal(new Set(arms.map(({ name }) => name)).size, arms.length);
      if (match === "parameters") assert.ok(Math.max(...counts) / Math.min(...counts) < 1.02, `${preset} ${suite}`);
    }
    assert.equal(resolvedStudy(preset, { suite: "factorial" }).match, "parameters");
  }
});

Deno.test("a suite or a model that does not exist is refused with what there is", () => {
  assert.throws(() => resolvedStudy("quick", { suite: "all" }), (error: UsageError) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /unknown suite "all"[^]*arms, seed, factorial, roadmap, fusion, decompose, frontier/);
    return true;
  });
  assert.throws(() => armsOf("fusion", SHAPE, ["nope"]), /expected: hymba, fusion-sum, .*samba/);
});
