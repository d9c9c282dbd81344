import { strict as assert } from "node:assert";
import { type Arm, HymbaConfig, type StudyConfig } from "../../core/config/mod.ts";
import { at } from "../../core/lists.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { latticeBetween } from "../../core/study/blame.ts";
import { matchedStudy } from "../../core/study/match.ts";
import { additionsIn, allAdditions, masksOf, rangeOf, sampledOrders, shareOf } from "../../core/study/shapley.ts";
import { resolvePreset } from "../../core/study_file/mod.ts";

function permutations(items: number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((one) => one !== item)).map((rest) => [item, ...rest]));
}

/** A value for each set of changes, with interactions. */
const value = (mask: number) => Math.sin(mask * 1.7) + mask / 5;

Deno.test("shares over all sets are the means over all orders, and their sum is the whole difference", () => {
  for (const count of [1, 2, 4]) {
    const exact = allAdditions(count).map((own) => shareOf(own, value));
    const orders = permutations(Array.from({ length: count }, (_, i) => i));
    const averaged = additionsIn(orders, count).map((own) => shareOf(own, value));
    for (const [i, share] of exact.entries()) assert.ok(Math.abs(share - at(averaged, i)) < 1e-12);
    const sum = exact.reduce((all, share) => all + share, 0);
    assert.ok(Math.abs(sum - (value(2 ** count - 1) - value(0))) < 1e-12);
  }
});

Deno.test("shares over sampled orders have the whole difference as their sum, and each order is there with its reverse", () => {
  const orders = sampledOrders(6, 3), shares = additionsIn(orders, 6).map((own) => shareOf(own, value));
  assert.ok(Math.abs(shares.reduce((all, share) => all + share, 0) - (value(63) - value(0))) < 1e-12);
  for (let i = 0; i < orders.length; i += 2) assert.deepEqual(orders[i]?.toReversed(), orders[i + 1]);
  assert.deepEqual(masksOf([2, 0, 1]), [0, 4, 5, 7]);
  assert.deepEqual(rangeOf([{ from: 0, to: 1, weight: 1 }, { from: 2, to: 3, weight: 1 }], [(mask) => mask ** 2]), [
    1,
    5,
  ]);
});

/** Two arms of a preset, and what is between them. */
function between(models: [string, string], { most = 16, match = "none" as "none" | "parameters" } = {}) {
  const resolved = resolvePreset("smoke", { models, match }), study = matchedStudy(resolved);
  const target = match === "parameters" ? { target: parameterCount(resolved.reference!.config) } : {};
  return { study, lattice: latticeBetween(study, [at(study.arms, 0), at(study.arms, 1)], { most, ...target }) };
}

Deno.test("mamba to hymba: fields that need each other go together, fields without effect are left out", () => {
  const { study, lattice } = between(["mamba", "hymba"]);
  assert.deepEqual(lattice.changes.map(({ name }) => name).toSorted(), [
    "archType with valueHeadDim",
    "innerNorms",
    "useKvSharing",
    "useMetaTokens",
    "windowed",
  ]);
  assert.deepEqual(lattice.idle, ["oddGroup"]);
  // Windows and sharing change nothing in a model without attention, and sharing nothing without windows: 4 + 12 of 32 sets.
  assert.equal(lattice.nodes.length, 16);
  assert.equal(lattice.orders, undefined);
  assert.equal(lattice.nameOf.size, 32);
  const names = lattice.nodes.map(({ name }) => name);
  assert.ok(names.includes("mamba@usemetatokens+innernorms") && names.includes("mamba@archtype+valueheaddim"));
  assert.deepEqual(at(lattice.nodes, 0).config, at(study.arms, 0).config);
  const last = new HymbaConfig({ ...at(lattice.nodes, -1).config, oddGroup: "triple" });
  assert.equal(at(lattice.nodes, -1).name, "hymba");
  assert.deepEqual(last, at(study.arms, 1).config);
});

Deno.test("models between matched models are matched too, and their width is no change", () => {
  const { lattice } = between(["mamba", "hymba"], { match: "parameters" });
  assert.ok(lattice.changes.every(({ name }) => !name.includes("ffnHidden")));
  const sizes = lattice.nodes.map(({ config }) => parameterCount(config));
  assert.ok(Math.max(...sizes) / Math.min(...sizes) < 1.02, sizes.join(", "));
});

Deno.test("where all orders need too many models, orders are sampled; a bound below one order is refused", () => {
  const { lattice } = between(["mamba", "hymba"], { most: 12 });
  assert.ok(lattice.orders && lattice.orders.length >= 2 && lattice.nodes.length <= 12);
  const sum = lattice.additions.reduce((all, own) => all + shareOf(own, value), 0);
  assert.ok(Math.abs(sum - (value(31) - value(0))) < 1e-12);
  assert.throws(() => between(["mamba", "hymba"], { most: 4 }), /5 changes need more models than 4/);
});

Deno.test("what differs in the first stage is a change; models that do not differ are refused", () => {
  const { study } = between(["mamba", "hymba"]), mamba = at(study.arms, 0);
  const fast: Arm = { ...mamba, name: "fast", pretraining: { rate: 0.5 } };
  const both: StudyConfig = { ...study, arms: [mamba, fast] };
  const lattice = latticeBetween(both, [mamba, fast], { most: 4 });
  assert.deepEqual(lattice.changes.map(({ name }) => name), ["pretraining.rate"]);
  assert.deepEqual(lattice.nodes.map(({ name, pretraining }) => [name, pretraining?.rate]), [
    ["mamba", undefined],
    ["fast", 0.5],
  ]);
  assert.throws(() => latticeBetween(both, [mamba, { ...mamba, name: "same" }], { most: 4 }), /do not differ/);
});
