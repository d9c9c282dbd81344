import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--models", "mamba"];
const SWEEP = ["sweep", ...SMALL, "--steps", "4", "--over", "pretraining.rate=1e-3,2e-2", "--seeds", "1"];
const TUNED = ["ablate", ...SMALL, "--steps", "4", "--orpo-steps", "2", "--set", "recall.probe=false"];

const read = (path: string) => Deno.readTextFile(join(place.folder, path));

Deno.test("a sweep chooses, its repetition trains nothing, and ablate uses the choice with other seeds", async (t) => {
  const words = [...SWEEP, "--per-arm", "--extend", "0", "--out", "swept"];
  const first = await hymba(place, ...words);
  assert.equal(first.code, 0, first.error);
  assert.match(first.out, /mamba +pretraining\.rate = 0\.02 .*optimum not found/);
  const record = await read("swept/sweep.json"), csv = await read("swept/sweep.csv");
  assert.deepEqual(JSON.parse(record).choices.map(({ point }: { point: unknown }) => point), [{
    "pretraining.rate": 0.02,
  }]);
  assert.match(csv, /^training,mamba,0\.001,1,10001,\d\.\d+,\d+\.\d+,no,no,$/m);
  assert.match(csv, /^best_of,mamba,,1,,\d\.\d+,\d+\.\d+,,,2$/m);
  assert.ok((await Deno.stat(join(place.folder, "swept/sweep.png"))).size > 5000);

  await t.step("the same command again", async () => {
    const again = await hymba(place, ...words, "--json");
    assert.equal(again.code, 0, again.error);
    assert.doesNotMatch(again.error, /done=/);
    assert.equal(await read("swept/sweep.json"), record);
    assert.equal(JSON.parse(again.out).choices[0].model, "mamba");
  });

  await t.step("cells and their merge make a round with the same losses, and no test part is read", async () => {
    const apart = [...SWEEP, "--per-arm", "--extend", "0", "--out", "apart"];
    const cells = await hymba(place, ...apart, "--cell", "0-1");
    assert.equal(cells.code, 0, cells.error);
    const merged = ["merge", "apart/round-1-cells", "--out", "apart/round-1", "--data", place.text];
    assert.equal((await hymba(place, ...merged)).code, 0);
    const whole = await hymba(place, ...apart);
    assert.equal(whole.code, 0, whole.error);
    assert.doesNotMatch(whole.error, /done=/);
    assert.equal(await read("apart/sweep.csv"), csv);
    const names = Array.from(Deno.readDirSync(join(place.folder, "apart/round-1")), ({ name }) => name);
    assert.ok(!names.includes("test.json"), names.join(", "));
    assert.ok(!("test_readings" in JSON.parse(await read("apart/round-1/run.json"))));
  });

  await t.step("hymba cells lists the cells of the first round and of the study, and both add up", async () => {
    const over = ["--over", "pretraining.rate=1e-3,2e-2", "--per-arm", "--sweep-seeds", "1"];
    const { code, out, error } = await hymba(place, "cells", ...SMALL, "--steps", "4", ...over, "--json");
    assert.equal(code, 0, error);
    const found = JSON.parse(out), names = (of: { cells: { model: string }[] }) => of.cells.map(({ model }) => model);
    assert.deepEqual(names(found.sweep), ["mamba@rate=0.001", "mamba@rate=0.02"]);
    assert.deepEqual(names(found), ["mamba"]);
    for (const { cells, end, sum } of [found.sweep, found]) {
      const parts = [...cells, ...(end ? [end] : [])].map(({ seconds }: { seconds: number }) => seconds);
      assert.ok(Math.abs(parts.reduce((a, b) => a + b, 0) / sum.seconds - 1) < 1e-9, out);
    }
  });

  await t.step("verify checks a round like any other run", async () => {
    const { code, out, error } = await hymba(
      place,
      "verify",
      "swept/round-1",
      "--data",
      place.text,
      "--backend",
      "cpu",
    );
    assert.equal(code, 0, out + error);
  });

  await t.step("ablate --tuned", async () => {
    const { code, error } = await hymba(place, ...TUNED, "--tuned", "swept", "--out", "tuned");
    assert.equal(code, 0, error);
    assert.match(error, /note: the sweep found no optimum of pretraining\.rate for mamba/);
    const { study, origins } = JSON.parse(await read("tuned/run.json"));
    assert.deepEqual(study.arms[0].pretraining, { rate: 0.02 });
    assert.equal(origins["arms.mamba.pretraining.rate"], "--tuned swept");
    assert.equal(study.split.testFraction, 0.05);
    assert.deepEqual(JSON.parse(await read("swept/round-1/run.json")).study.split, study.split);
  });

  await t.step("ablate --tuned refuses what does not fit", async () => {
    for (
      const [words, expected] of [
        [[...TUNED, "--seeds", "10001,5"], /made its choice with seed 10001/],
        [[...TUNED, "--rate", "1e-3"], /--rate gives pretraining\.rate, which the sweep chose/],
        [TUNED.map((word) => word === "mamba" ? "mamba,hymba" : word), /chose nothing for hymba/],
      ] as const
    ) {
      const { code, error } = await hymba(place, ...words, "--tuned", "swept", "--out", "refused");
      assert.equal(code, 2, error);
      assert.match(error, expected);
    }
    const { code, error } = await hymba(place, ...TUNED, "--tuned", "swept/round-1");
    assert.equal(code, 2);
    assert.match(error, /not a finished sweep/);
  });

  await t.step("orpo refuses a round, and sweep refuses a run", async () => {
    const second = await hymba(place, "orpo", "swept/round-1", "--data", place.text, "--backend", "cpu");
    assert.equal(second.code, 2);
    assert.match(second.error, /first stage alone/);
    const other = await hymba(place, ...SWEEP, "--out", "swept/round-1");
    assert.equal(other.code, 2);
    assert.match(other.error, /is not a sweep/);
  });
});

Deno.test("points that make no model and keys that belong to no model are refused before anything is trained", async () => {
  for (
    const [over, expected] of [["model.nHeads=2,7", /nHeads|headDim/], [
      "sequenceLength=8,16",
      /cannot be swept/,
    ]] as const
  ) {
    const { code, error } = await hymba(place, "sweep", ...SMALL, "--over", over, "--out", "bad");
    assert.equal(code, 2, error);
    assert.match(error, expected);
  }
});
