/** What `hymba config explain` says of each key: its type, its default, and what depends on it. */
import { strict as assert } from "node:assert";
import { ARCH_TYPES, HymbaConfig, type HymbaOptions, PRESETS } from "../../core/config/mod.ts";
import { dependentsOf } from "../../core/study_file/dependents.ts";
import { explainAll, explainKey, keyAt, KEYS, resolveSources, StudyFaults } from "../../core/study_file/mod.ts";

const PATHS = KEYS.map(({ path }) => path);
const namesOf = (path: string) => dependentsOf(path).map(({ key }) => key);

Deno.test("every key has a meaning, a type, what is allowed and a default in words", () => {
  for (const { key, meaning, type, allowed, usual } of explainAll()) {
    for (const words of [meaning, type, allowed, usual]) assert.ok(words.length > 0, key);
  }
});

Deno.test("what depends on a key, and what a default follows from, are keys", () => {
  const tables = new Set(
    PATHS.flatMap((path) => path.split(".").map((_, i, parts) => `${parts.slice(0, i).join(".")}.*`)),
  );
  for (const path of PATHS) {
    for (const { key, how } of dependentsOf(path)) {
      assert.ok(PATHS.includes(key) || tables.has(key), `${path}: ${key}`);
      assert.ok(key !== path && how.length > 0, path);
    }
    for (const from of keyAt(path)?.follows?.from ?? []) assert.ok(PATHS.includes(from), `${path}: ${from}`);
  }
});

Deno.test("a default that presets decide is said for each of them, and is the value of a study of that preset", () => {
  const { usual } = explainKey("model.dModel");
  for (const preset of PRESETS) {
    const value = resolveSources({ preset }).values.get("model.dModel")?.value;
    assert.match(usual, new RegExp(`\\b${value} in [^;]*\\b${preset}\\b`));
  }
  assert.equal(explainKey("recall.model.stateSize").usual, "16");
});

Deno.test("a field whose default changes with another one is among what depends on that", () => {
  const size = { vocabSize: 50, dModel: 48, nLayers: 6, nHeads: 2, nKvHeads: 1 };
  const changes: Partial<HymbaOptions>[] = [
    { dModel: 96 },
    { nLayers: 8 },
    { nHeads: 4 },
    { headDim: 8 },
    { mambaExpand: 4 },
    { separateOutputs: true },
    { branchWidth: 24, fusion: "sum", useKvSharing: false },
    { layers: "6m" },
    { layers: "g w m g w m" },
    ...ARCH_TYPES.map((archType) => ({ archType })),
  ];
  for (const change of changes) {
    const before = new HymbaConfig(size), after = new HymbaConfig({ ...size, ...change }), own = Object.keys(change);
    const changed = Object.keys(before).filter((field) =>
      !own.includes(field) &&
      JSON.stringify(before[field as keyof HymbaConfig]) !== JSON.stringify(after[field as keyof HymbaConfig])
    );
    const known = own.flatMap((field) => namesOf(`arms.*.${field}`));
    for (const field of changed) assert.ok(known.includes(`arms.*.${field}`), `${JSON.stringify(change)}: ${field}`);
  }
});

/** Studies with a fault between two keys, and these keys. */
const CONFLICTS: readonly (readonly [string, string, string])[] = [
  ['budget = "seconds"\n[pretraining]\nflops = 1e9', "budget", "pretraining.flops"],
  ['budget = "flops"\n[pretraining]\nschedule = "wsd"\ndecayAt = [60]', "budget", "pretraining.decayAt"],
  ['budget = "parameters"\nmatch = "none"', "budget", "match"],
  ['precision = "f16"\n[orpo]\nrateScaling = "width"', "precision", "orpo.rateScaling"],
  ['precision = "bf16"\ntensorCores = "on"', "precision", "tensorCores"],
  ["[pretraining]\nbatch = 8\naccumulate = 3", "pretraining.batch", "pretraining.accumulate"],
  ['[pretraining]\nschedule = "cosine"\ndecayAt = [60]', "pretraining.schedule", "pretraining.decayAt"],
  ['[pretraining]\nschedule = "wsd"\nsteps = 60\ndecayAt = [60]', "pretraining.steps", "pretraining.decayAt"],
  ['[pretraining]\nschedule = "wsd"\nwarmup = 50\ndecayAt = [60]', "pretraining.warmup", "pretraining.decayAt"],
  ['match = "parameters"\n[arms.mamba]\nffnHidden = 9', "match", "arms.*.ffnHidden"],
  ["[data]\ntrainFraction = 0.9\ntestFraction = 0.2", "data.trainFraction", "data.testFraction"],
  ['[data]\ntestFiles = ["x"]\ntestFraction = 0.2', "data.testFiles", "data.testFraction"],
  [
    '[data]\nsplit = "interleaved"\nblockCharacters = 9\ngapCharacters = 5',
    "data.gapCharacters",
    "data.blockCharacters",
  ],
  ['profile = "seed"\nsuite = "arms"', "profile", "suite"],
  ['profile = "seed"\n[data]\ntokenizer = "bytes"', "profile", "data.tokenizer"],
  ["[model]\nnHeads = 4\nnKvHeads = 3", "model.nHeads", "model.nKvHeads"],
  ["[model]\nnLayers = 2\nglobalAttnIndices = [3]", "model.nLayers", "model.globalAttnIndices"],
  ['[model]\nfusion = "concat"\nseparateOutputs = true', "model.separateOutputs", "model.fusion"],
  ['[arms.x]\nlayers = "2h"\nwindowed = true', "arms.*.layers", "arms.*.windowed"],
  ["[recall]\nkeys = 2", "recall.perRange", "recall.keys"],
  ["[recall]\npatience = 2", "recall.evaluateEvery", "recall.patience"],
];

Deno.test("where values of two keys exclude each other, one is among what depends on the other", () => {
  for (const [text, key, other] of CONFLICTS) {
    assert.throws(() => resolveSources({ file: { path: "s.toml", text } }), StudyFaults, text);
    assert.ok(namesOf(key).includes(other), `${key}: ${other}`);
  }
});

Deno.test("config explain answers for every key, also with the name of an arm", () => {
  for (const path of PATHS) assert.equal(explainKey(path.replace("*", "own")).key, path);
});

Deno.test("a table is answered with the names of its keys", () => {
  assert.throws(() => explainKey("orpo"), /orpo is a table, not a key[^]*orpo\.steps, orpo\.rate/);
  assert.throws(() => explainKey("arms.mine.pretraining"), /arms\.\*\.pretraining\.rate/);
  assert.throws(() => explainKey("arms"), /arms is a table, not a key[^]*arms\.\*\.from/);
});
