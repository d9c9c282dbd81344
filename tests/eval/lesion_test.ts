/** Taking parts out of a model: the same bits where nothing is changed, and the float64 reference elsewhere. */
import { strict as assert } from "node:assert";
import { ArchType, HymbaConfig, type HymbaOptions } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { onePiece } from "../../core/data/parts.ts";
import { capturePlan, changed, givenPlan, lesions, lesionText } from "../../core/eval/lesion.ts";
import { branchSites, CHANGES, type Lesion, seeSites } from "../../core/eval/lesion_sites.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { at } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { ReferenceExecutor } from "../../core/plan/reference_executor.ts";
import { fillNormal, fillUniform } from "../../core/random.ts";

const SIZE: Partial<HymbaOptions> = {
  vocabSize: 20,
  dModel: 8,
  nLayers: 3,
  nHeads: 2,
  nKvHeads: 1,
  swaWindow: 4,
  numMetaTokens: 3,
  stateSize: 4,
  ffnHidden: 12,
  initDeviation: 0.3,
};
const B = 2, T = 10;
const tokens = Uint32Array.from(
  fillUniform(new Float32Array(2 * B * T + 1), { seed: 1, stream: 100, step: 0 }),
  (x) => Math.floor(20 * x),
);
const text = lesionText(onePiece(tokens), { B, T, sequences: 100 });

const MODELS: Readonly<Record<string, Partial<HymbaOptions>>> = {
  "hymba": { archType: ArchType.HYBRID },
  "concat": { archType: ArchType.HYBRID, fusion: "concat" },
  "gate": { archType: ArchType.HYBRID, fusion: "gate" },
  "separate outputs": { archType: ArchType.HYBRID, separateOutputs: true },
  "sequential": { archType: ArchType.HYBRID_SEQUENTIAL },
  "without scan": { archType: ArchType.MAMBA, state: "off" },
};

/** The same weights on an executor. */
function placed(executor: Executor, options: Partial<HymbaOptions>): ParameterStore {
  const store = new ParameterStore(new HymbaConfig({ ...SIZE, ...options }));
  store.initialise(executor, 5);
  return store;
}

const nameOf = ({ layer, part, head, change }: Lesion) => `${layer ?? "all"} ${part} ${head ?? ""} ${change}`;

for (const [name, options] of Object.entries(MODELS)) {
  Deno.test(`lesion: ${name}, every change gives the float64 reference's losses, and the model is whole afterwards`, async () => {
    const cpu = await CpuExecutor.create({ threads: 1 }), reference = new ReferenceExecutor();
    try {
      const onCpu = { executor: cpu, store: placed(cpu, options) };
      const inDouble = { executor: reference, store: placed(reference, options) };
      const found = await lesions(onCpu, text), expected = await lesions(inDouble, text);
      const config = onCpu.store.config, columns = branchSites(config).flatMap(({ columns }) => columns).length;
      const others = seeSites(config).length + (config.metaTokens > 0 ? 2 : 0);
      assert.equal(found.lesions.length, columns * CHANGES.length + others);
      let moved = 0;
      for (const [i, { lesion, nats }] of found.lesions.entries()) {
        assert.equal(nameOf(lesion), nameOf(at(expected.lesions, i).lesion));
        const double = at(expected.lesions, i).nats;
        for (const [t, x] of nats.entries()) {
          assert.ok(Math.abs(x - at(double, t)) < 2e-5, `${nameOf(lesion)}, token ${t}`);
        }
        if (nats.some((x, t) => Math.abs(x - at(found.intact, t)) > 1e-4)) moved++;
      }
      assert.ok(moved > 0.8 * found.lesions.length, `${moved} of ${found.lesions.length} change a loss`);
      assert.deepEqual((await lesions(onCpu, text)).intact, found.intact);
    } finally {
      await cpu.close();
    }
  });

  Deno.test(`lesion: ${name}, a branch that is given its own output changes no bit`, async () => {
    const executor = await CpuExecutor.create({ threads: 1 });
    try {
      const store = placed(executor, options), batch = at(text.batches, 0);
      const plain = await Scorer.create(executor, evaluationPlan(store, { B, T })), intact = await plain.logp(batch);
      for (const site of branchSites(store.config)) {
        const { plan, branch } = capturePlan(store, { B, T, site }), capture = await Scorer.create(executor, plan);
        assert.deepEqual(await capture.logp(batch), intact);
        const output = Float32Array.from(await capture.read(branch)), patched = givenPlan(store, { B, T, site });
        const scorer = await Scorer.create(executor, patched.plan);
        scorer.write(patched.given, output);
        assert.deepEqual(await scorer.logp(batch), intact, `layer ${site.layer.index}, ${site.of}`);
        for (const one of [capture, scorer]) one.dispose();
      }
      plain.dispose();
    } finally {
      await executor.close();
    }
  });
}

Deno.test("lesion: a head that is zero is a head whose columns of the output projection are zero", async () => {
  const executor = new ReferenceExecutor(), options = { archType: ArchType.TRANSFORMER_GLOBAL, useMetaTokens: false };
  const store = placed(executor, options), { headDim: K, nHeads: H, dModel: D } = store.config;
  const { lesions: all } = await lesions({ executor, store }, text);
  const w = store.tensor("layers.1.out_proj"), own = Float32Array.from(await executor.read(w));
  assert.equal(own.length, D * H * K);
  executor.write(w, own.map((x, i) => i % (H * K) >= K && i % (H * K) < 2 * K ? 0 : x));
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B, T }));
  const expected = (await scorer.logp(at(text.batches, 0))).map((x) => -x);
  const found = all.find(({ lesion }) =>
    lesion.layer === 1 && lesion.part === "head" && lesion.head === 1 && lesion.change === "zero"
  );
  for (const [t, x] of expected.entries()) assert.ok(Math.abs(x - at(found!.nats, t)) < 1e-6);
});

Deno.test("lesion: averages are those of a place over all sequences, and exchanges come from the next sequence", () => {
  const output = fillNormal(new Float32Array(2 * 3 * 4), { seed: 1, stream: 100, step: 1 });
  const average = Float32Array.from({ length: 12 }, (_, i) => 100 + i),
    how = { B: 2, average, width: 4, from: 1, to: 3 };
  for (const change of CHANGES) {
    for (const [i, x] of changed(output, { ...how, change }).entries()) {
      const column = i % 4, inside = column >= 1 && column < 3;
      const other = change === "zero" ? 0 : change === "average" ? average[i % 12] : output[(i + 12) % 24];
      assert.equal(x, inside ? other : output[i]);
    }
  }
});

Deno.test("lesion: the text is whole sequences, spread over the part, with the places of their losses", () => {
  const part = { tokens: Uint32Array.from({ length: 60 }, (_, i) => i), starts: [0, 27], bytes: 0 };
  const { batches, places } = lesionText(part, { B: 1, T: 10, sequences: 2 });
  assert.deepEqual(batches.map(({ ids }) => ids[0]), [0, 27]);
  // The first piece predicts 26 tokens.
  assert.deepEqual([places[0], places[9], places[10], places.length], [0, 9, 26, 20]);
  assert.throws(() => lesionText(part, { B: 4, T: 40, sequences: 2 }), /too short/);
});
