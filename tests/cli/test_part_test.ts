/** Commands that read the test part of a run: each is on the list of readings, and `verify` stays content. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { loadRun } from "../../core/record/mod.ts";
import { hymba, makePlace } from "./command_line.ts";
import { thorough } from "../thorough.ts";

const place = await makePlace(), RUN = "results/runs/tested", SPLIT = "data.trainFraction=0.8";
const STUDY = [
  ...["ablate", "--preset", "smoke", "--backend", "cpu", "--data", place.text, "--models", "mamba", "--out", RUN],
  ...["--steps", "2", "--orpo-steps", "1", "--set", "recall.probe=false", "--set", SPLIT],
];

async function readings(): Promise<{ by: string; command: string; models: { stages: string[] }[] }[]> {
  return JSON.parse(await Deno.readTextFile(join(place.folder, RUN, "run.json"))).test_readings;
}

async function ok(...words: string[]) {
  const { code, out, error } = await hymba(place, ...words);
  assert.equal(code, 0, error + out);
  return { out, error };
}

Deno.test("ablate reads the test part once; evaluate and verify say that they read it again", async () => {
  assert.match((await ok(...STUDY, "--set", "data.testFraction=0.1")).out, /test PPL/);
  assert.deepEqual((await readings()).map(({ by }) => by), ["study"]);
  const { out, error } = await ok(
    "evaluate",
    RUN,
    "--part",
    "test",
    "--backend",
    "cpu",
    "--data",
    place.text,
    "--json",
  );
  assert.match(error, /this evaluates on the test part of .*recorded in its run\.json/);
  const { loss, text } = JSON.parse(out),
    kept = await Deno.readTextFile(join(place.folder, RUN, "arms/mamba-1/test.json"));
  assert.equal(loss, JSON.parse(kept).stages.orpo.loss);
  assert.match(text, /test part$/);
  assert.match(
    (await ok("verify", RUN, "--test", "--backend", "cpu", "--data", place.text)).out,
    /loss on the test part/,
  );
  const [, evaluated, verified] = await readings();
  assert.deepEqual([evaluated!.by, evaluated!.models[0]!.stages], ["evaluate", ["orpo"]]);
  assert.match(evaluated!.command, /^hymba evaluate .*--part test/);
  assert.deepEqual([verified!.by, verified!.models[0]!.stages], ["verify", ["pretraining", "orpo", "control"]]);
});

thorough(
  "the run's own text, and a test file of its own, count as the test part where evaluate --text names them",
  async () => {
    const before = (await readings()).length, CPU = ["--backend", "cpu", "--json"];
    const { error } = await ok("evaluate", RUN, "--text", place.text, ...CPU);
    assert.match(error, /recorded in its run\.json/);
    const copy = join(place.folder, "copy.txt"),
      other = join(place.folder, "other.txt"),
      text = await Deno.readTextFile(place.text);
    await Deno.writeTextFile(copy, text);
    await ok("evaluate", RUN, "--text", copy, ...CPU);
    await Deno.writeTextFile(other, text.slice(0, 5000));
    assert.doesNotMatch((await ok("evaluate", RUN, "--text", other, ...CPU)).error, /recorded/);
    const all = await readings();
    assert.deepEqual(all.slice(before).map(({ by }) => by), ["evaluate", "evaluate"]);
    assert.match(all.at(-1)?.command ?? "", /--text .*copy\.txt/);
    const separate = "results/runs/separate", held = join(place.folder, "held.txt");
    await Deno.writeTextFile(held, text.slice(-20_000));
    await ok(...STUDY.map((word) => word === RUN ? separate : word), "--test-data", held);
    await ok("evaluate", separate, "--text", place.text, ...CPU);
    await ok("evaluate", separate, "--text", held, ...CPU);
    const { test_readings: list } = JSON.parse(await Deno.readTextFile(join(place.folder, separate, "run.json")));
    assert.deepEqual(
      list.map(({ by }: { by: string }) => by),
      ["study", "evaluate"],
      "the whole text has no test part",
    );
    const { out } = await ok("verify", separate, "--backend", "cpu", "--data", place.text, "--test-data", held);
    assert.match(out, /readings of the test part: 1 by study, 1 by evaluate, 0 by verify; run\.json lists them/);
  },
);

thorough(
  "a run from before, whose readings are a file of their own, is read, and gets new ones in its record",
  async () => {
    const folder = join(place.folder, RUN), path = join(folder, "run.json"), before = await Deno.readTextFile(path);
    const { test_readings: list, ...record } = JSON.parse(before);
    await Deno.writeTextFile(path, `${JSON.stringify(record, undefined, 2)}\n`);
    await Deno.writeTextFile(join(folder, "test_readings.json"), JSON.stringify({ format: 1, readings: list }));
    const { test } = await loadRun(systemDisk, folder);
    assert.deepEqual(test?.readings, list);
    await ok("evaluate", RUN, "--part", "test", "--backend", "cpu", "--data", place.text);
    assert.deepEqual((await readings()).slice(0, -1), list);
    await Deno.remove(join(folder, "test_readings.json"));
    assert.equal((await loadRun(systemDisk, folder)).test?.readings.length, list.length + 1);
  },
);

thorough("a changed test result is found", async () => {
  const path = join(place.folder, RUN, "arms/mamba-1/test.json"), sums = join(place.folder, RUN, "checksums.json");
  const before = await Deno.readTextFile(path), list = await Deno.readTextFile(sums), made = JSON.parse(before);
  made.stages.orpo.loss -= 0.01;
  await Deno.writeTextFile(path, JSON.stringify(made));
  // Somebody who also changes the list of checksums is found by the losses of the tokens.
  await Deno.remove(sums);
  const { createHash } = await import("node:crypto"), bytes = await Deno.readFile(path), changed = JSON.parse(list);
  changed["arms/mamba-1/test.json"] = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  await Deno.writeTextFile(sums, `${JSON.stringify(changed, undefined, 2)}\n`);
  const { code, out } = await hymba(place, "verify", RUN, "--backend", "cpu", "--data", place.text);
  assert.equal(code, 1);
  assert.match(out, /differs {2}mamba, seed 1, orpo: losses of test tokens: they give .*test\.json has/);
  await Deno.writeTextFile(path, before);
  await Deno.writeTextFile(sums, list);
});

thorough(
  "a run whose validation is a file of its own wants that file again, and has no test part to evaluate",
  async () => {
    const plain = "results/runs/plain", text = await Deno.readTextFile(place.text);
    const own = join(place.folder, "own.txt"), CPU = ["--backend", "cpu", "--data", place.text];
    await Deno.writeTextFile(own, text.slice(-20_000));
    const study = STUDY.filter((word, i) => word !== SPLIT && STUDY[i + 1] !== SPLIT);
    await ok(...study.map((word) => word === RUN ? plain : word), "--validation-data", own);
    const record = JSON.parse(await Deno.readTextFile(join(place.folder, plain, "run.json")));
    assert.deepEqual(record.study.split, {
      kind: "contiguous",
      testFraction: 0,
      gapCharacters: 0,
      separate: ["validation"],
    });
    assert.deepEqual([record.study.trainFraction, record.corpus.validation.name], [1, "own"]);
    const without = await hymba(place, "evaluate", plain, ...CPU);
    assert.equal(without.code, 2);
    assert.match(without.error, /the validation part of the run is the text "own"[^]*--validation-data FILE/);
    const wrong = await hymba(place, "evaluate", plain, ...CPU, "--validation-data", place.text);
    assert.match(wrong.error, /is not the text that the run used[^]*--validation-data FILE/);
    const { out } = await ok("evaluate", plain, ...CPU, "--validation-data", own, "--json");
    const result = JSON.parse(await Deno.readTextFile(join(place.folder, plain, "arms/mamba-1/result.json")));
    assert.equal(JSON.parse(out).loss, result.stages.orpo.final.loss);
    const tested = await hymba(place, "evaluate", plain, "--part", "test", ...CPU, "--validation-data", own);
    assert.equal(tested.code, 2);
    assert.match(tested.error, /the run has no test part/);
    assert.equal((await hymba(place, "evaluate", RUN, "--part", "test", "--text", place.text)).code, 2);
  },
);

Deno.test("one of several test files counts as the test part, and the record names the files in their order", async () => {
  const several = "results/runs/several",
    text = await Deno.readTextFile(place.text),
    CPU = ["--backend", "cpu", "--json"];
  for (const [i, name] of ["part-1.txt", "part-2.txt"].entries()) {
    await Deno.writeTextFile(join(place.folder, name), `file ${i}\n${text.slice(i * 3000, i * 3000 + 3000)}`);
  }
  const words = STUDY.map((word) => word === RUN ? several : word);
  await ok(...words, "--test-data", "part-*.txt", "--set", "lastStage=pretraining");
  await ok("evaluate", several, "--text", join(place.folder, "part-2.txt"), ...CPU);
  const { test_readings: list, corpus } = JSON.parse(
    await Deno.readTextFile(join(place.folder, several, "run.json")),
  );
  assert.deepEqual(list.map(({ by }: { by: string }) => by), ["study", "evaluate"]);
  assert.deepEqual(corpus.test.files.map(({ name }: { name: string }) => name), ["part-1.txt", "part-2.txt"]);
  const { code, error } = await hymba(place, ...words, "--test-data", place.text);
  assert.equal(code, 2);
  assert.match(error, /in data\.files and in data\.testFiles/);
});
