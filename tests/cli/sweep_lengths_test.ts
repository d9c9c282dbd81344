/** One study file with shorter trainings and a sweep is enough for every command that takes a study. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const STUDY = `preset = "smoke"
models = ["mamba"]
seeds = 1
lastStage = "pretraining"
[pretraining]
schedule = "wsd"
steps = 8
warmup = 1
evaluateEvery = 4
decayAt = [4]
[recall]
probe = false
[sweep]
over = ["pretraining.rate=1e-3,2e-2"]
seeds = 1
perArm = true
extend = 0
`;
const place = await makePlace();
const file = join(place.folder, "study.toml");
await Deno.writeTextFile(file, STUDY);
const ON = ["--backend", "cpu", "--data", place.text];

Deno.test("a study with shorter trainings and a sweep: sweep, estimate, cells, submit and ablate --tuned", async (t) => {
  const names = ({ cells }: { cells: { model: string }[] }) => cells.map(({ model }) => model).sort();
  for (const command of ["estimate", "cells"]) {
    await t.step(command, async () => {
      const { code, out, error } = await hymba(place, command, file, ...ON, "--json");
      assert.equal(code, 0, error);
      const found = JSON.parse(out);
      assert.deepEqual(names(found.sweep), ["mamba@rate=0.001", "mamba@rate=0.02"]);
      assert.deepEqual(names(found), ["mamba", "mamba@steps=4"]);
    });
  }

  await t.step("submit --sweep", async () => {
    const words = ["submit", file, "--sweep", "--engine", "slurm", "--dry-run", "--out", "array", ...ON];
    const { code, error } = await hymba(place, ...words);
    assert.equal(code, 0, error);
  });

  await t.step("sweep, and ablate --tuned with the choice for both lengths", async () => {
    const swept = await hymba(place, "sweep", file, ...ON, "--out", "swept");
    assert.equal(swept.code, 0, swept.error);
    assert.match(swept.error, /note: the sweep trains at the full length/);
    const { trials, choices } = JSON.parse(await Deno.readTextFile(join(place.folder, "swept/sweep.json")));
    assert.equal(trials.length, 2);
    const tuned = await hymba(place, "ablate", file, ...ON, "--tuned", "swept", "--out", "tuned");
    assert.equal(tuned.code, 0, tuned.error);
    const { study } = JSON.parse(await Deno.readTextFile(join(place.folder, "tuned/run.json")));
    assert.deepEqual(study.arms.map(({ name }: { name: string }) => name), ["mamba", "mamba@steps=4"]);
    const rates = study.arms.map(({ pretraining }: { pretraining: { rate: number } }) => pretraining.rate);
    assert.deepEqual(rates, Array(2).fill(choices[0].point["pretraining.rate"]));
  });

  await t.step("points at which no training could have shorter ones", async () => {
    const over = ["--over", "pretraining.schedule=wsd,cosine", "--over", "pretraining.steps=4,8"];
    const { code, out, error } = await hymba(place, "estimate", file, ...ON, ...over, "--json");
    assert.equal(code, 0, error);
    assert.equal(JSON.parse(out).sweep.cells.length, 4);
  });

  await t.step("points that make no model are reported together, with the place of the sweep", async () => {
    const bad = STUDY.replace("pretraining.rate=1e-3,2e-2", "model.nHeads=3,4,5");
    await Deno.writeTextFile(join(place.folder, "bad.toml"), bad);
    for (const command of ["sweep", "estimate"]) {
      const { code, error } = await hymba(place, command, "bad.toml", ...ON);
      assert.equal(code, 2, error);
      assert.match(error, /bad\.toml:14:1: arms\.mamba\.nHeads[^]*"?3"?[^]*bad\.toml:14:1: arms\.mamba\.nHeads[^]*5/);
    }
  });

  await t.step("a key of a model that is not in the study", async () => {
    const { code, error } = await hymba(place, "sweep", file, ...ON, "--over", "arms.hymba.stateSize=8,16");
    assert.equal(code, 2, error);
    assert.match(error, /the sweep tries arms\.hymba\.stateSize, and the study has no such model/);
  });
});
