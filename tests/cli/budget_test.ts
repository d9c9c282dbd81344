import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";
import { thorough } from "../thorough.ts";

const place = await makePlace();
const SMALL = [
  "--preset",
  "smoke",
  "--backend",
  "cpu",
  "--threads",
  "1",
  "--data",
  place.text,
  "--models",
  "mamba,hymba",
];
const ONE_STAGE = ["--set", "lastStage=pretraining", "--set", "recall.probe=false"];
const WORDS = ["ablate", ...SMALL, ...ONE_STAGE, "--steps", "6", "--set", "budget=seconds", "--out", "timed"];

const read = (path: string) => Deno.readTextFile(join(place.folder, path));

thorough(
  "a budget of seconds is measured once: the run keeps the times, and continues with the same steps",
  async () => {
    // A busy machine is refused, in words and without a run, and the command says to repeat it.
    let first = await hymba(place, ...WORDS);
    for (let tries = 1; first.code !== 0 && tries < 4; tries++) {
      assert.match(first.error, /the time of an update is not measurable here[^]*in 27 rounds[^]*repeat the command/);
      assert.equal(first.code, 1);
      await assert.rejects(read("timed/run.json"), Deno.errors.NotFound);
      first = await hymba(place, ...WORDS);
    }
    if (first.code !== 0) return console.log("skipped: this machine is too busy to measure the time of an update");
    assert.match(first.error, /measuring the time of an update/);
    assert.match(first.error, /^mamba .* \(1\.00x\).* 6$/m);
    assert.match(first.error, /^hymba .* \(\d\.\d\dx, \d\.\d\d to \d\.\d\d\).* \d+$/m);
    const text = await read("timed/run.json"), { study, updateSeconds, updateRatios } = JSON.parse(text);
    const [low, high] = updateRatios.hymba;
    assert.ok(low > 0 && high <= 1.3 * low, `${low} to ${high}`);
    const steps = study.arms[1].pretraining?.steps ?? 6;
    assert.equal(steps, Math.max(1, Math.round(6 * updateSeconds.mamba / updateSeconds.hymba)));
    const [head, ...rows] = (await read("timed/budgets.csv")).trim().split("\n").map((row) => row.split(","));
    assert.deepEqual(rows.map((row) => Number(row[head!.indexOf("steps")])), [6, steps]);
    assert.ok(rows.every((row) => row.at(-1) === "seconds" && Number(row[head!.indexOf("flops")]) > 1e6));
    assert.ok((await Deno.stat(join(place.folder, "timed/budgets.png"))).size > 5000);
    const again = await hymba(place, ...WORDS);
    assert.equal(again.code, 0, again.error);
    assert.doesNotMatch(again.error, /measuring the time|done=/);
    assert.equal(await read("timed/run.json"), text);
    // Another model has no time in this run, and is not measured on another day.
    const more = await hymba(place, ...WORDS.map((word) => word === "mamba,hymba" ? "mamba,hymba,samba" : word));
    assert.equal(more.code, 2, more.error);
    assert.match(more.error, /timed holds another study[^]*mamba, hymba, whose times were measured[^]*samba/);
  },
);
