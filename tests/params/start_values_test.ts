/** Start values: the published standard deviations, Mamba's steps and states, and the options where the sources disagree. */
import { strict as assert } from "node:assert";
import { HymbaConfig, type HymbaOptions } from "../../core/config/mod.ts";
import { initialValues } from "../../core/params/start_values.ts";
import { parameterSpecs } from "../../core/params/specs.ts";
import { resolveSources } from "../../core/study_file/mod.ts";

const config = new HymbaConfig({ vocabSize: 500, dModel: 64, nLayers: 3, nHeads: 4, nKvHeads: 2, numMetaTokens: 64 });

function valuesOf(name: string, from = config): Float32Array {
  const index = parameterSpecs(from).findIndex((spec) => spec.name === name);
  return initialValues(parameterSpecs(from)[index]!, { seed: 1, index });
}

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: Float32Array) => Math.sqrt(mean(values.map((x) => x * x)) - mean(values) ** 2);

/** Within four standard errors of the deviation of a normal sample, and of a mean of zero. */
function assertNormal(values: Float32Array, expected: number, name: string): void {
  const error = expected / Math.sqrt(2 * values.length);
  assert.ok(Math.abs(deviation(values) - expected) < 4 * error, `${name}: ${deviation(values)} for ${expected}`);
  assert.ok(Math.abs(mean(values)) < 4 * expected / Math.sqrt(values.length), `${name}: mean ${mean(values)}`);
}

Deno.test("start: linear and embedding weights N(0, 1/√D), outputs into the residual stream smaller by √(2 layers)", () => {
  for (const name of ["embedding", "layers.1.in_proj", "layers.1.ffn.gate_up"]) {
    assertNormal(valuesOf(name), 1 / 8, name);
  }
  for (const name of ["layers.1.out_proj", "layers.1.ffn.down"]) {
    assertNormal(valuesOf(name), 1 / 8 / Math.sqrt(6), name);
  }
  assertNormal(valuesOf("embedding", config.with({ initDeviation: 0.1 })), 0.1, "embedding at 0.1");
});

Deno.test("start: the deviation follows the width of each model, is never below 0.02, and can be given", () => {
  const deviation = (options: Partial<HymbaOptions>) => new HymbaConfig(options).initDeviation;
  assert.equal(deviation({ dModel: 1600, nHeads: 25, nKvHeads: 5 }), 1 / 40);
  assert.equal(deviation({ dModel: 2560 }), 0.02);
  assert.equal(deviation({ dModel: 64, initDeviation: 0.02 }), 0.02);
  const text = 'models = ["narrow", "wide"]\n[arms.narrow]\ndModel = 16\n[arms.wide]\ninitDeviation = 0.5\n';
  const { study } = resolveSources({ file: { path: "my.toml", text } });
  assert.deepEqual(study.arms.map(({ config }) => config.initDeviation), [0.25, 0.5]);
});

Deno.test("start: the documented study's models keep N(0, 0.02) unless the file says otherwise", () => {
  const deviations = (text: string) => {
    const { study } = resolveSources({ file: { path: "my.toml", text: `profile = "seed"\n${text}` } });
    return new Set(study.arms.map(({ config }) => config.initDeviation));
  };
  assert.deepEqual(deviations(""), new Set([0.02]));
  assert.deepEqual(deviations("[model]\ninitDeviation = 0.1\n"), new Set([0.1]));
});

Deno.test("start: meta tokens N(0, 1) as published, or like the embeddings", () => {
  assertNormal(valuesOf("meta"), 1, "meta");
  assertNormal(valuesOf("meta", config.with({ metaInit: "embedding" })), 1 / 8, "meta like embeddings");
});

Deno.test("start: steps are log-uniform from 0.001 to 0.1, or the bias is zero as in the released code", () => {
  const wide = config.with({ mambaExpand: 32, valueHeadDim: 512 });
  const logs = valuesOf("layers.0.dt_proj.b", wide).map((b) => Math.log(Math.log1p(Math.exp(b))));
  const [low, high] = [Math.log(1e-3), Math.log(1e-1)], width = high - low;
  // Softplus of a bias around -7 has four digits in 32 bits.
  assert.ok(logs.every((x) => x > low - 1e-3 && x < high + 1e-3));
  assert.ok(Math.abs(mean(logs) - (low + high) / 2) < 4 * width / Math.sqrt(12 * logs.length), `${mean(logs)}`);
  assert.ok(Math.abs(deviation(logs) / (width / Math.sqrt(12)) - 1) < 0.05, `${deviation(logs)}`);
  assert.ok(valuesOf("layers.0.dt_proj.b", config.with({ stepInit: "zero" })).every((b) => b === 0));
});

Deno.test("start: states begin at -1, -2, … -N, the skip and all norms at 1, the rest of Mamba uniform", () => {
  const { stateSize: N, dtRank: R, innerDim: I } = config;
  valuesOf("layers.0.a_log").forEach((a, i) => assert.equal(a, Math.fround(Math.log(i % N + 1))));
  const ones = ["d", "norm1", "norm2", "dt_norm", "b_norm", "c_norm", "fusion.attention", "fusion.mamba"];
  for (const name of ones) assert.ok(valuesOf(`layers.0.${name}`).every((x) => x === 1), name);
  for (
    const [name, bound] of [["dt_proj.w", R ** -0.5], ["conv.w", 0.5], ["conv.b", 0.5], ["x_proj", I ** -0.5]] as const
  ) {
    const values = valuesOf(`layers.0.${name}`), most = values.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
    assert.ok(most <= bound && most > 0.9 * bound, `${name}: ${most} of ${bound}`);
    assert.ok(Math.abs(deviation(values) / (bound / Math.sqrt(3)) - 1) < 0.15, name);
  }
});

Deno.test("start: as state-spaces/mamba, the branch's x, z and own output projection are uniform, and nothing else changes", () => {
  const uniform = config.with({ mambaInit: "uniform" }), { innerDim: I, dModel: D } = config;
  const [usual, changed] = [valuesOf("layers.1.in_proj"), valuesOf("layers.1.in_proj", uniform)];
  const heads = usual.length - 2 * I * D;
  assert.deepEqual(changed.subarray(0, heads), usual.subarray(0, heads), "queries, keys and values");
  const largest = (values: Float32Array) => values.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
  const xz = changed.subarray(heads);
  assert.ok(largest(xz) <= D ** -0.5 && largest(xz) > 0.99 * D ** -0.5, `${largest(xz)}`);
  assert.ok(Math.abs(deviation(xz) * Math.sqrt(3 * D) - 1) < 0.02, `${deviation(xz)}`);
  assert.deepEqual(
    valuesOf("layers.1.out_proj", uniform),
    valuesOf("layers.1.out_proj"),
    "the projection of both branches",
  );
  const mamba = new HymbaConfig({
    dModel: 64,
    nLayers: 3,
    archType: "mamba",
    useMetaTokens: false,
    mambaInit: "uniform",
  });
  const bound = (2 * 3 * 2 * 64) ** -0.5, output = largest(valuesOf("layers.1.out_proj", mamba));
  assert.ok(output <= bound && output > 0.99 * bound, `${output} of ${bound}`);
});

Deno.test("start: output projections as large as the others, as in the released Hymba", () => {
  const plain = config.with({ outputInit: "plain" });
  for (const name of ["layers.1.out_proj", "layers.1.ffn.down"]) assertNormal(valuesOf(name, plain), 1 / 8, name);
});

Deno.test("start: fusionInit is the weight of both branch norms", () => {
  const small = config.with({ fusionInit: 0.25 });
  for (const name of ["fusion.attention", "fusion.mamba"]) {
    assert.ok(valuesOf(`layers.1.${name}`, small).every((x) => x === 0.25), name);
  }
  assert.ok(valuesOf("layers.1.norm1", small).every((x) => x === 1));
});

Deno.test("start: every option of the start can be told in a study file, for one arm", () => {
  const text =
    'models = ["own"]\n[arms.own]\nfrom = "hymba"\nmambaInit = "uniform"\noutputInit = "plain"\nfusionInit = 0.3\n';
  const { study } = resolveSources({ file: { path: "my.toml", text } });
  for (const arms of [study.arms, study.recall!.arms]) {
    const { mambaInit, outputInit, fusionInit } = arms[0]!.config;
    assert.deepEqual([mambaInit, outputInit, fusionInit], ["uniform", "plain", 0.3]);
  }
});

Deno.test("start: weight decay spares norms, biases, A and the skip, and nothing else", () => {
  for (const { name, decay } of parameterSpecs(config)) {
    assert.equal(decay, !/norm|\.b$|a_log|\.d$|fusion/.test(name), name);
  }
});
