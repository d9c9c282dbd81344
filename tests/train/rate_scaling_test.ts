/** Rates by group of parameters: the size of the updates, and that the default rates give the default training. */
import { strict as assert } from "node:assert";
import { HymbaConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { rateFactors, rateGroupOf } from "../../core/train/rate_scaling.ts";
import { Trainer } from "../../core/train/trainer.ts";
import { executors } from "../ops/executors.ts";
import { SMALL } from "./models.ts";

const B = 2, T = 9, RATE = 1e-3, config = new HymbaConfig({ ...SMALL, attentionConv: 3 });

/** Weights before and after one update without decay. `rateWidth`: undefined without scaling. */
async function oneUpdate(executor: Executor, rateWidth: number | undefined, decay = 0) {
  const store = new ParameterStore(config), counter = { seed: 3, stream: 100, step: 0 };
  const tokens = Uint32Array.from({ length: B * (T + 1) }, (_, i) => randomInteger(counter, i, config.vocabSize));
  const batch = { ids: tokens.slice(0, B * T), targets: tokens.slice(B), weight: new Float32Array(B * T).fill(1) };
  const rateFactor = rateWidth === undefined ? undefined : rateFactors({ rateScaling: "width", rateWidth }, config);
  const objective = textObjective(trainingPlan(store, { B, T, decay, rateFactor }), { at: () => batch });
  store.initialise(executor, 1);
  const before = await store.read(executor);
  const schedule = { rate: RATE, warmup: 0, steps: 1, schedule: "constant" } as const;
  const trainer = await Trainer.create(executor, store, { name: "rates", objective, schedule });
  for await (const _ of trainer.run());
  const after = await store.read(executor);
  trainer.dispose();
  store.release(executor);
  return { store, before, after };
}

/** AdamW's first step is the rate for nearly every weight that has a gradient: the largest step of a parameter is its rate. */
const largestStep = (before: Float32Array, after: Float32Array) =>
  before.reduce((most, x, i) => Math.max(most, Math.abs(x - after[i]!)), 0);

Deno.test("rates: the groups are the tied embedding, matrices whose inputs grow with the width, and the rest", () => {
  const groups = Map.groupBy(new ParameterStore(config).specs, rateGroupOf);
  assert.deepEqual(groups.get("embedding")!.map(({ name }) => name), ["embedding"]);
  const ofLayer = (group: "matrices" | "others") =>
    groups.get(group)!.flatMap(({ name }) => name.startsWith("layers.1.") ? [name.slice(9)] : []);
  assert.deepEqual(ofLayer("matrices"), ["in_proj", "x_proj", "dt_proj.w", "out_proj", "ffn.gate_up", "ffn.down"]);
  for (const name of ["conv.w", "attention.conv.w", "a_log", "d", "norm1", "dt_proj.b"]) {
    assert.ok(ofLayer("others").includes(name), name);
  }
  assert.ok(groups.get("others")!.some(({ name }) => name === "meta"));
});

Deno.test("rates: a model of twice rateWidth moves matrices and embedding half as far, and all else as far, on every executor", async () => {
  for (const executor of await executors()) {
    const { store, before, after } = await oneUpdate(executor, config.dModel / 2);
    for (const spec of store.specs) {
      const expected = rateGroupOf(spec) === "others" ? RATE : RATE / 2, { name } = spec;
      const step = largestStep(before[name]!, after[name]!);
      assert.ok(Math.abs(step / expected - 1) < 0.02, `${executor.name}, ${name}: ${step} for ${expected}`);
    }
  }
});

Deno.test("rates: at rateWidth itself, every bit is that of one rate for all", async () => {
  const executor = await CpuExecutor.create({ threads: 1 });
  const [scaled, usual] = [await oneUpdate(executor, config.dModel, 0.1), await oneUpdate(executor, undefined, 0.1)];
  assert.deepEqual(scaled.after, usual.after);
  await executor.close();
});

Deno.test("rates: weight decay pulls as much at every width, and f16 is refused", async () => {
  const executor = await CpuExecutor.create({ threads: 1 }), pull = 0.1;
  const [without, decayed] = [
    await oneUpdate(executor, config.dModel / 2),
    await oneUpdate(executor, config.dModel / 2, pull),
  ];
  const start = without.before["layers.1.in_proj"]!, name = "layers.1.in_proj";
  for (const [i, x] of start.entries()) {
    const pulled = without.after[name]![i]! - decayed.after[name]![i]!;
    assert.ok(Math.abs(pulled - RATE * pull * x) < 1e-7, `${pulled} of ${x}`);
  }
  await executor.close();
  const store = new ParameterStore(config), rateFactor = () => 0.5;
  assert.throws(
    () => trainingPlan(store, { B, T, decay: 0, precision: "f16", rateFactor }),
    /another precision than f16/,
  );
});

Deno.test("rates: in the committed losses the best rate moves with the width, and by at most one step of the grid with scaling", async () => {
  const csv = await Deno.readTextFile(new URL("../../results/initialisation/rates.csv", import.meta.url));
  const rows = csv.trim().split("\n").slice(1).map((row) => row.split(","));
  const groups = Map.groupBy(rows, ([model, , scaling]) => `${model} ${scaling}`);
  for (const [name, all] of groups) {
    const best = [...Map.groupBy(all, ([, width]) => width).values()].map((tried) => {
      const rates = tried.toSorted((a, b) => Number(a[3]) - Number(b[3])).map((row) => Number(row[6]));
      assert.equal(rates.length, 5, name);
      return rates.indexOf(Math.min(...rates));
    });
    const moved = Math.max(...best) - Math.min(...best);
    assert.ok(best.length === 3 && (name.endsWith("width") ? moved <= 1 : moved >= 2), `${name}: ${best}`);
  }
  assert.equal(groups.size, 4);
});
