/** The origin of numbers: the facts in run.json, and the notes about runs of other kernels. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";
import { thorough } from "../thorough.ts";

const place = await makePlace(), folder = join(place.folder, "run");
const WORDS = [
  "pretrain",
  "--model",
  "mamba",
  "--preset",
  "smoke",
  "--backend",
  "cpu",
  "--data",
  place.text,
  "--out",
  "run",
];
const trained = await hymba(place, ...WORDS, "--steps", "2");
const recordText = await Deno.readTextFile(join(folder, "run.json")), record = JSON.parse(recordText);

Deno.test("run.json says which commit, which kernels, which processor and which versions made the run", async () => {
  assert.equal(trained.code, 0, trained.error);
  assert.match(record.kernels, /^[0-9a-f]{64}$/);
  assert.equal(record.versions.deno, Deno.version.deno);
  assert.match(record.versions.webgpu, /^npm:webgpu@/);
  assert.equal(typeof record.processor, "string");
  const root = new URL("../..", import.meta.url).pathname;
  const git = await new Deno.Command("git", { args: ["-C", root, "rev-parse", "HEAD"] }).output().catch(() =>
    undefined
  );
  if (git?.success) assert.equal(record.program.commit, new TextDecoder().decode(git.stdout).trim());
  else console.log("skipped: this checkout has no git");
});

Deno.test("with other steps than the preset's, the run is not called by the preset's name alone", async () => {
  assert.match(trained.out, /^smoke \(other pretraining\.steps\) on made-up/);
  assert.match(await Deno.readTextFile(join(folder, "ablation_results.csv")), /smoke \(other pretraining\.steps\)$/m);
});

Deno.test("a run of other kernels is named by evaluate, runs, export, and verify with wrong checksums", async () => {
  await Deno.writeTextFile(join(folder, "run.json"), JSON.stringify({ ...record, kernels: "5".repeat(64) }));
  const evaluate = ["evaluate", "run", "--text", place.text, "--backend", "cpu"];
  const exported = ["export", "run", "--format", "pytorch", "--out", "exported"];
  for (const words of [evaluate, ["runs", "."], exported, ["verify", "run"]]) {
    const { error } = await hymba(place, ...words);
    assert.match(error, /note: (\.\/)?run: the run was made by the kernels 555555555555, this program has/, words[0]);
  }
  await Deno.writeTextFile(join(folder, "run.json"), "{");
  const damaged = await hymba(place, "verify", "run");
  assert.deepEqual([damaged.code, /differs {2}run\.json/.test(damaged.out)], [1, true], damaged.out + damaged.error);
  await Deno.writeTextFile(join(folder, "run.json"), recordText);
  const sums = join(folder, "checksums.json");
  await Deno.rename(sums, `${sums}.kept`);
  await Deno.symlink(join(place.folder, "nowhere"), sums);
  const dangling = await hymba(place, "verify", "run");
  assert.equal(dangling.code, 1);
  assert.match(dangling.out, /checksums\.json: it is a link to a file that is not there; remove the link/);
  assert.match(dangling.out, /run: nothing was compared, because the list of checksums cannot be used/);
  await Deno.rename(`${sums}.kept`, sums);
  assert.doesNotMatch((await hymba(place, ...evaluate)).error, /note/);
});

thorough("a run of other kernels is named by verify, by artifacts and by a call that continues", async () => {
  const sound = await hymba(place, "verify", "run", "--backend", "cpu", "--data", place.text);
  assert.equal(sound.code, 0, sound.out);
  assert.doesNotMatch(sound.error, /kernels/);
  await Deno.writeTextFile(join(folder, "run.json"), JSON.stringify({ ...record, kernels: "5".repeat(64) }));
  await Deno.remove(join(folder, "checksums.json"));
  const note = /note: run: the run was made by the kernels 555555555555, this program has [0-9a-f]{12}/;
  assert.match((await hymba(place, "metrics", "run")).error, note);
  assert.match((await hymba(place, "serve", "run", "--export", "site")).error, note);
  assert.match((await hymba(place, ...WORDS, "--steps", "2")).error, note);
  const verified = await hymba(place, "verify", "run", "--backend", "cpu", "--data", place.text);
  assert.match(verified.error, note);
  assert.match(verified.out, /another executor or other kernels/);
  const again = await hymba(place, "verify", "run", "--retrain", "--backend", "cpu", "--data", place.text);
  assert.equal(again.code, 1);
  assert.match(again.error, /executor, adapter and kernels of the run/);
});

Deno.test("verify says of a published result that its weights are not here", async () => {
  const published = join(place.folder, "published");
  await Deno.mkdir(published);
  await Deno.copyFile(join(folder, "run.json"), join(published, "run.json"));
  const { code, out } = await hymba(place, "verify", published);
  assert.equal(code, 1);
  assert.match(out, /published: weights not here/);
  assert.doesNotMatch(out, /checks passed/);
  assert.match(JSON.parse((await hymba(place, "verify", published, "--json")).out).note, /weights not here/);
  const unused = await hymba(place, "verify", published, "--cell", "0");
  assert.deepEqual([unused.code, /add --retrain/.test(unused.error)], [2, true], unused.error);
});

Deno.test("verify trains a published result again and compares its numbers", async () => {
  const published = join(place.folder, "published-tables");
  await Deno.mkdir(published);
  for (const file of ["run.json", "ablation_results.csv", "metrics.jsonl"]) {
    await Deno.copyFile(join(folder, file), join(published, file));
  }
  await Deno.writeTextFile(join(published, "run.json"), JSON.stringify(record));
  const words = ["verify", published, "--retrain", "--cell", "0", "--data", place.text];
  const sound = await hymba(place, ...words);
  assert.equal(sound.code, 0, sound.out + sound.error);
  assert.match(sound.error, /trains mamba, seed 1/);
  assert.match(sound.out, /same {5}mamba, seed 1, trained again: \d+ numbers of ablation_results\.csv equal/);
  assert.match(sound.out, /same {5}metrics\.jsonl, trained again/);
  const path = join(published, "ablation_results.csv"), table = await Deno.readTextFile(path);
  const loss = /^mamba,1,\d+,\d+,([\d.]+),/m.exec(table)?.[1] ?? "";
  await Deno.writeTextFile(path, table.replaceAll(loss, `${Number(loss) - 0.001}`));
  await Deno.writeTextFile(
    join(published, "run.json"),
    JSON.stringify({ ...record, kernels: "5".repeat(64), data: { ...record.data, trainTokens: 7 } }),
  );
  const edited = await hymba(place, ...words);
  assert.equal(edited.code, 1, edited.out);
  assert.match(edited.out, /differs {2}run\.json: .*data\.trainTokens: 7 published/);
  assert.match(
    edited.out,
    /differs {2}mamba, seed 1, .*pretrain_best_loss_nats is .*, became .* \(the run was made by/,
  );
  await Deno.remove(path);
  const bare = await hymba(place, ...words);
  assert.deepEqual([bare.code, /has no ablation_results\.csv/.test(bare.error)], [2, true], bare.error);
  const left = [...Deno.readDirSync(place.folder)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.endsWith(".partial")), []);
});
