/** Commands that analyse a finished run: power, slices, lesion, preference. One small run of two models with two seeds serves all. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--steps", "6", "--orpo-steps", "2"];

let made: Promise<string> | undefined;
/** The folder of the run. */
const trained = (): Promise<string> => made ??= train();

async function train(): Promise<string> {
  const words = ["ablate", ...SMALL, "--models", "mamba,hymba", "--seeds", "2", "--out", "both"];
  const { code, error } = await hymba(place, ...words);
  assert.equal(code, 0, error);
  return join(place.folder, "both");
}

Deno.test("power: the seeds that each pair needs, as a table and as JSON; bad numbers are usage errors", async () => {
  const folder = await trained(), { code, out, error } = await hymba(place, "power", folder, "--detect", "0.05");
  assert.equal(code, 0, error);
  assert.match(out, /^mamba − hymba .* 2 .*\d+ to /m);
  const json = JSON.parse((await hymba(place, "power", folder, "--detect", "0.1", "--power", "0.9", "--json")).out);
  assert.deepEqual([json.detect, json.power, json.rows[0].name, json.rows[0].seeds], [0.1, 0.9, "mamba − hymba", 2]);
  for (const words of [["--detect", "0"], ["--power", "1"]]) {
    const bad = await hymba(place, "power", folder, ...words);
    assert.equal(bad.code, 2, bad.out);
    assert.match(bad.error, /expected/);
  }
});

Deno.test("the margin within which models are equal can be given when a table is made", async () => {
  const folder = await trained();
  const findings = async (...words: string[]) => {
    const { code, error } = await hymba(place, "csv", folder, "--out", "tables", ...words);
    assert.equal(code, 0, error);
    const rows = (await Deno.readTextFile(join(place.folder, "tables/comparisons.csv"))).trim().split("\n").slice(1);
    return rows.map((row) => row.split(",").slice(-3, -1));
  };
  for (const [margin] of await findings()) assert.equal(margin, "0.02");
  for (const [margin, finding] of await findings("--margin", "1e6")) {
    assert.equal(margin, "1000000");
    assert.notEqual(finding, "undecided");
  }
});

Deno.test("slices: every token is of one kind of each group, and the files are written without training", async () => {
  const folder = await trained(), words = ["slices", folder, "--data", place.text, "--out", "sliced"];
  const { code, out, error } = await hymba(place, ...words);
  assert.equal(code, 0, error);
  for (const file of ["slices.csv", "slices.html", "slices.png"]) {
    assert.match(out, new RegExp(`^wrote sliced/${file}$`, "m"));
    assert.ok((await Deno.stat(join(place.folder, "sliced", file))).size > 500, file);
  }
  const json = JSON.parse((await hymba(place, ...words, "--against", "hymba", "--stage", "pretraining", "--json")).out);
  assert.deepEqual([json.against, json.stage], ["hymba", "pretraining"]);
  const result = JSON.parse(await Deno.readTextFile(join(folder, "arms/mamba-1/result.json")));
  const other = JSON.parse(await Deno.readTextFile(join(folder, "arms/mamba-2/result.json")));
  const whole = (result.stages.pretraining.final.loss + other.stages.pretraining.final.loss) / 2;
  // Kinds with few tokens are left out; in a group without such a kind, the means make up that of all tokens.
  interface Slice {
    group: string;
    share: number;
    models: { loss: number }[];
  }
  const total = (slices: readonly Slice[], of: (slice: Slice) => number) =>
    slices.reduce((sum, slice) => sum + of(slice), 0);
  const all = [...Map.groupBy(json.slices as Slice[], ({ group }) => group).values()];
  const complete = all.find((slices) => Math.abs(total(slices, ({ share }) => share) - 1) < 1e-9);
  assert.ok(complete);
  const sum = total(complete, ({ share, models }) => share * models[0]!.loss);
  assert.ok(Math.abs(sum - whole) < 1e-4, `${sum} and ${whole}`);
  const bad = await hymba(place, ...words, "--against", "nobody");
  assert.equal(bad.code, 2);
  assert.match(bad.error, /no model "nobody"[^]*mamba, hymba/);
});

Deno.test("lesion: each part of a model is taken out, and the files have a row for each and its kinds of tokens", async () => {
  const folder = await trained(), words = ["lesion", folder, "--data", place.text, "--backend", "cpu", "--out", "cut"];
  const { code, out, error } = await hymba(place, ...words, "--stage", "pretraining", "--sequences", "4", "--json");
  assert.equal(code, 0, error);
  const { model, seed, stage, lesions } = JSON.parse(out);
  assert.deepEqual([model, seed, stage], ["hymba", 1, "pretraining"]);
  interface Found {
    lesion: { layer?: number; part: string };
    costs: { group: string; increase: { mean: number } }[];
  }
  const parts = new Set((lesions as Found[]).map(({ lesion }) => lesion.part));
  assert.deepEqual([...parts].toSorted(), ["attention", "head", "mamba", "meta tokens", "window"]);
  assert.ok((lesions as Found[]).every(({ costs }) => costs[0]!.group === "all tokens" && costs.length > 3));
  const rows = (await Deno.readTextFile(join(place.folder, "cut/lesions.csv"))).trim().split("\n");
  assert.equal(rows.length, 1 + (lesions as Found[]).reduce((sum, { costs }) => sum + costs.length, 0));
  assert.ok((await Deno.stat(join(place.folder, "cut/lesions.png"))).size > 1000);
});

Deno.test("preference: counts fresh samples for every β and its controls, and continues where it was stopped", async () => {
  const folder = await trained(), target = join(place.folder, "task");
  const words = ["preference", folder, "--model", "mamba", "--data", place.text, "--backend", "cpu", "--out", "task"];
  const small = ["--pairs", "16", "--prompts", "6", "--dev-prompts", "4", "--batch", "2", "--steps", "1,2"];
  const task = [...words, ...small, "--betas", "0,1", "--rates", "0.001", "--attribute", "word-length", "--json"];
  const first = await hymba(place, ...task);
  assert.equal(first.code, 0, first.error);
  const { points, pairs, findings } = JSON.parse(first.out);
  assert.deepEqual(points.map(({ name, steps }: { name: string; steps: number }) => `${name} ${steps}`), [
    "stage-1 0",
    ...["beta-0", "beta-0-shuffled", "beta-1", "beta-1-shuffled"].flatMap((name) => [`${name} 1`, `${name} 2`]),
  ]);
  assert.ok(pairs.count >= 2 && findings.length >= 3);
  const csv = await Deno.readTextFile(join(target, "preference_task.csv"));
  await Deno.remove(join(target, "beta-1.json"));
  const again = await hymba(place, ...task);
  assert.equal(again.code, 0, again.error);
  assert.match(again.error, /training beta-1 with/);
  assert.doesNotMatch(again.error, /training beta-0 with|sampling two texts/);
  assert.equal(await Deno.readTextFile(join(target, "preference_task.csv")), csv);
  await Deno.writeTextFile(join(target, "preference_task.csv"), "my own\n");
  const taken = await hymba(place, ...task);
  assert.deepEqual([taken.code, /preference_task\.csv exists already[^]*did not write it/.test(taken.error)], [
    2,
    true,
  ]);
  assert.equal(await Deno.readTextFile(join(target, "preference_task.csv")), "my own\n");
  await Deno.writeTextFile(join(target, "preference_task.csv"), csv);
  const other = await hymba(place, ...task, "--most-loss", "0.2");
  assert.equal(other.code, 2);
  assert.match(other.error, /another preference task[^]*mostLoss: 0\.1 there, 0\.2 now/);
  const bad = await hymba(place, ...words, "--steps", "0,2");
  assert.equal(bad.code, 2);
  assert.match(bad.error, /--steps[^]*different whole numbers from 1/);
});
