/** A finished run that is extended by seeds and models has the same bytes as one that had them from the start. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { thorough } from "../thorough.ts";
import { bitsOf } from "./bits.ts";
import { hymba, makePlace, start } from "./command_line.ts";

const place = await makePlace();
const words = (models: string, seeds: number, steps = 6) => [
  ...["ablate", "--preset", "smoke", "--backend", "cpu", "--threads", "1", "--data", place.text, "--models", models],
  ...["--seeds", String(seeds), "--steps", String(steps), "--orpo-steps", "2", "--set", "data.testFraction=0.05"],
];

async function done(folder: string, ...more: string[]): Promise<string> {
  const { code, error } = await hymba(place, ...more, "--out", folder);
  assert.equal(code, 0, error);
  return error;
}

/** The bits of a run, the extensions in its record, and the readings of its test part. */
async function grownBits(folder: string) {
  const path = join(place.folder, folder, "run.json"),
    // The readings of the test part are those that were made: one more for each extension.
    { extended, test_readings: readings, ...record } = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, `${JSON.stringify(record, undefined, 2)}\n`);
  return { extended, readings, bits: await bitsOf(place, folder) };
}

/** What was trained, by model and seed. */
const trained = (error: string) => [...new Set(error.match(/^\w+ seed \d+ pretraining(?= done=)/gm))].sort();

thorough("more seeds and models: nothing is trained again, and the bytes are those of one run", async (t) => {
  await done("once", ...words("mamba,hymba", 2));
  const { bits } = await grownBits("once");
  await done("first", ...words("hymba", 1));
  await Deno.writeTextFile(join(place.folder, "first", "notes.txt"), "of the user");
  const copy = async (name: string) => {
    const { success } = await new Deno.Command("cp", { args: ["-r", "first", name], cwd: place.folder }).output();
    assert.ok(success);
  };

  await t.step("in one call", async () => {
    await copy("grown");
    const error = await done("grown", ...words("mamba,hymba", 2));
    assert.deepEqual(
      trained(error),
      ["hymba seed 2", "mamba seed 1", "mamba seed 2"].map((one) => `${one} pretraining`),
    );
    assert.match(error, /grown is extended: 1 of 4 cells are there, 3 are trained/);
    assert.equal(await Deno.readTextFile(join(place.folder, "grown", "notes.txt")), "of the user");
    await Deno.remove(join(place.folder, "grown", "notes.txt"));
    const { bits: own, extended, readings } = await grownBits("grown");
    assert.deepEqual(own, bits);
    assert.deepEqual([extended.length, extended[0].arms, extended[0].seeds], [1, ["mamba"], [2]]);
    assert.deepEqual(readings.map(({ models }: { models: unknown[] }) => models.length), [1, 3]);
    assert.equal(await systemDisk.stat(join(place.folder, "grown-cells")), undefined);
  });

  await t.step("killed while it is extended, and repeated", async () => {
    await copy("killed");
    const child = start(place, [...words("mamba,hymba", 2), "--out", "killed"]), output = child.output();
    const log = join(place.folder, "killed-cells", "cell-0", "metrics.jsonl");
    for (let i = 0; i < 6000 && !await systemDisk.stat(log); i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill("SIGKILL");
    await output;
    assert.equal(await systemDisk.stat(join(place.folder, "killed")), undefined);
    await done("killed", ...words("mamba,hymba", 2));
    await Deno.remove(join(place.folder, "killed", "notes.txt"));
    assert.deepEqual((await grownBits("killed")).bits, bits);
  });

  await t.step("another study is refused, and a run that is not finished", async () => {
    const other = await hymba(place, ...words("mamba,hymba", 2, 7), "--out", "first");
    assert.equal(other.code, 2);
    assert.match(other.error, /first holds another study[^]*steps: 6 there, 7 now/);
    await Deno.remove(join(place.folder, "first", "arms", "hymba-1", "result.json"));
    const open = await hymba(place, ...words("mamba,hymba", 2), "--out", "first");
    assert.equal(open.code, 2);
    assert.match(open.error, /first is not finished, so it cannot be extended[^]*hymba with seed 1/);
    assert.ok(await systemDisk.stat(join(place.folder, "first", "run.json")));
  });
});
