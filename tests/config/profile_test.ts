/** The documented study unchanged: exact parameter counts, and which flags the profile overrides. */
import { strict as assert } from "node:assert";
import { ArchType, HymbaConfig, layersOf } from "../../core/config/mod.ts";
import type { Overrides } from "../../core/study_file/mod.ts";
import { shuffledSequences, studyTokens, tokenizerText } from "../../core/data/study_data.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { UsageError } from "../../core/errors.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { parameterCount, parameterSpecs } from "../../core/params/specs.ts";

const study = resolvedStudy("paper", { profile: "seed" });

Deno.test("profile seed: 82,534,912, 68,910,592 and 66,662,415 parameters, those of the documented table", () => {
  assert.deepEqual(Object.fromEntries(study.arms.map(({ name, config }) => [name, parameterCount(config)])), {
    "mamba": 82_534_912,
    "transformer-global": 68_910_592,
    "transformer-local": 68_910_592,
    "hybrid-50-50": 66_662_415,
    "hybrid-paper": 66_662_415,
  });
});

Deno.test("profile seed: the hybrid's branches are half as wide as the model, joined by one gate of 0.5", () => {
  const { config } = study.arms.find(({ name }) => name === "hybrid-paper")!;
  const shapeOf = (name: string) => parameterSpecs(config).find((spec) => spec.name === `layers.1.${name}`)?.shape;
  assert.deepEqual(shapeOf("attention.enter"), [256, 512]);
  assert.deepEqual(shapeOf("attention.in_proj"), [8 * 32 + 2 * 4 * 32, 256]);
  assert.deepEqual(shapeOf("mamba.in_proj"), [2 * 512, 256]);
  assert.deepEqual(shapeOf("mamba.leave"), [512, 256]);
  assert.deepEqual(parameterSpecs(config).find(({ name }) => name === "layers.1.fusion.gate")?.init, {
    kind: "constant",
    value: 0.5,
  });
  assert.ok(layersOf(config).every(({ index, kvOwner }) => index === kvOwner), "sharing was bookkeeping");
  assert.deepEqual(layersOf(config).filter(({ window }) => window === 0).map(({ index }) => index), [0, 7, 14]);
});

Deno.test("profile seed: stage 2 is the degenerate loss, widths are not matched, 30 and 10 epochs of 64 batches", () => {
  assert.deepEqual([study.profile, study.suite, study.match, study.preference.loss], ["seed", "seed", "none", "seed"]);
  assert.deepEqual([study.pretraining.steps, study.orpo.steps], [30 * 64, 10 * 64]);
  assert.deepEqual(new Set(study.arms.map(({ config }) => config.ffnHidden)), new Set([2048]));
  assert.equal(resolvedStudy("paper").profile, undefined);
});

Deno.test("profile seed: flags that say otherwise are refused", () => {
  const wrong: Overrides[] = [{ suite: "roadmap" }, { match: "parameters" }, { orpoLoss: "orpo" }];
  for (const flags of wrong) {
    assert.throws(() => resolvedStudy("smoke", { profile: "seed", ...flags }), (error: UsageError) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /does not go with --profile seed/);
      return true;
    });
  }
  assert.equal(resolvedStudy("smoke", { profile: "seed", match: "none" }).match, "none");
});

Deno.test("a branch width requires own keys and values, and a fusion after the projections", () => {
  const options = { archType: ArchType.HYBRID, branchWidth: 256, headDim: 32, useKvSharing: false };
  assert.throws(() => new HymbaConfig({ ...options, fusion: "mean" }), /fusion[^]*gate or sum/);
  assert.throws(() => new HymbaConfig({ ...options, fusion: "gate", useKvSharing: true }), /useKvSharing/);
  assert.equal(new HymbaConfig({ ...options, fusion: "gate" }).valueHeadDim, 32);
});

Deno.test("the documented split: 292,051 tokens are 1026 and 114 sequences of 256, each once; 64 batches of 16", () => {
  const T = 256, tokens = Uint32Array.from({ length: 292_051 }, (_, i) => i);
  const parts = shuffledSequences(tokens, { T, fraction: 0.9 });
  const train = parts.train.tokens, validation = parts.validation.tokens;
  assert.deepEqual([train.length / T, validation.length / T], [1026, 114]);
  const starts = [...train, ...validation].filter((_, i) => i % T === 0);
  assert.deepEqual(starts.toSorted((a, b) => a - b), Array.from({ length: 1140 }, (_, i) => i * T));
  assert.ok(validation.some((token) => token < 20 * T) && validation.some((token) => token > 1120 * T), "scattered");
  const order = new BatchOrder(parts.train, { B: 16, T, seed: 1, aligned: true });
  assert.equal(Math.floor(order.windows / 16), 64);
  for (const step of [1, 64, 65]) {
    const { ids } = order.at(step);
    for (let row = 0; row < 16; row++) assert.equal(ids[row * T]! % T, 0, "a sequence begins where it was cut");
  }
});

Deno.test("profile seed: the first nine tenths are used, all of them by the tokenizer; the usual tokenizer sees training text", () => {
  const text = "ab".repeat(50) + "yz".repeat(50), rule = { trainFraction: 0.5, sequenceLength: 4 };
  assert.equal(tokenizerText(text, { ...rule, trainFraction: 0.9, profile: "seed" }), text.slice(0, 180));
  assert.equal(tokenizerText(text, rule), "ab".repeat(50));
  const letters = {
    encode: (part: string) => Uint32Array.from(part, (letter) => letter.charCodeAt(0)),
    bytesOf: () => 1,
  };
  const seed = studyTokens(text, letters, { ...rule, trainFraction: 0.9, profile: "seed" });
  assert.deepEqual([seed.train.tokens.length, seed.validation.tokens.length, seed.validation.bytes], [160, 20, 19]);
});
