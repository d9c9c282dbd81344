/** Commands about whole run folders: their list, what can be deleted of them, differences between them, and what to do next. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { lockFolder, makeFolders, systemDisk } from "../../core/disk/mod.ts";
import { loadRun, readStanding } from "../../core/record/mod.ts";
import { compareRuns } from "../../core/report/compare_runs.ts";
import { runStudy } from "../../core/study/study.ts";
import { checkChecksums, writeChecksums } from "../../core/verify/checksums.ts";
import { cleanRun, deletableIn } from "../../core/verify/clean.ts";
import { nextSteps } from "../../cli/shared/next_steps.ts";
import { bestModel, standingsIn } from "../../cli/shared/runs.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace(), RUNS = "results/runs", disk = systemDisk;
const at = (...parts: string[]) => join(place.folder, RUNS, ...parts);

/** Trains two models of a few thousand parameters. */
async function train(folder: string, rate: number): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 1 }), study = tinyStudy({ arms: ["mamba", "hymba"] });
  try {
    const own = { ...study, pretraining: { ...study.pretraining, rate } };
    await makeFolders(disk, folder);
    await runStudy(own, { executor, corpus: madeUpCorpus(), disk, folder, environment: ENVIRONMENT });
    await writeChecksums(disk, folder);
  } finally {
    await executor.close();
  }
}

let made: Promise<void> | undefined;
/** Two finished runs, a and b, which differ in their rate. */
const trained = () => made ??= train(at("a"), 3e-3).then(() => train(at("b"), 3e-2));

async function ok(...words: string[]): Promise<string> {
  const { code, out, error } = await hymba(place, ...words);
  assert.equal(code, 0, error + out);
  return out;
}

/** Runs `use` while a run lacks the result of one model. */
async function unfinished(run: string, use: () => Promise<void>): Promise<void> {
  const result = at(run, "arms/mamba-1/result.json"), kept = await Deno.readTextFile(result);
  await Deno.remove(result);
  try {
    await use();
  } finally {
    await Deno.writeTextFile(result, kept);
  }
}

Deno.test("next: an empty folder, a study file, finished, stopped and running runs each say what to do", async () => {
  assert.match(await ok(), /hymba ablate --preset smoke --data book\.txt[^]*hymba init[^]*hymba --help/);
  const commands = async (hasStudy = false) =>
    nextSteps(await standingsIn(at()), { hasStudy }).map(({ command }) => command);
  assert.deepEqual(await commands(true), ["hymba estimate study.toml", "hymba ablate study.toml"]);
  await trained();
  assert.equal((await commands())[0], `hymba report ${at("b")}`);
  await unfinished("a", async () => {
    // The command is that of the record.
    assert.equal((await commands())[0], ENVIRONMENT.command);
    const held = await lockFolder(disk, at("a"));
    assert.equal((await commands())[0], `hymba watch ${at("a")}`);
    await held.close();
  });
  assert.match(
    await ok(),
    /results\/runs\/b is finished: \w+ has the lowest perplexity[^]*hymba report results\/runs\/b/,
  );
  assert.equal(JSON.parse(await ok("--json")).next[0].command, "hymba report results/runs/b");
});

Deno.test("runs: state, size and the best model of each, the newest first; damaged and missing ones are named", async () => {
  await trained();
  await Deno.mkdir(at("damaged"));
  await Deno.writeTextFile(at("damaged/run.json"), "{");
  const { version, root, runs } = JSON.parse(await ok("runs", "--json"));
  assert.deepEqual([version, root, runs.length], [1, RUNS, 3]);
  const [b, a, bad] = runs;
  assert.deepEqual([b.run, b.state, b.trainings, b.trainings_done, b.models], [
    ...[`${RUNS}/b`, "finished", 2, 2],
    ["mamba", "hymba"],
  ]);
  assert.deepEqual([a.run, bad.run, bad.state], [`${RUNS}/a`, `${RUNS}/damaged`, "damaged"]);
  const { results } = await loadRun(disk, at("b"));
  const lowest = results.toSorted((x, y) => x.stages.orpo!.final.loss - y.stages.orpo!.final.loss)[0]!;
  assert.deepEqual([b.best.model, b.best.perplexity], [lowest.arm, lowest.stages.orpo!.final.perplexity]);
  let bytes = 0;
  const sum = async (path: string) => {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await sum(join(path, name));
      else bytes += (await Deno.stat(join(path, name))).size;
    }
  };
  await sum(at("a"));
  assert.equal(a.bytes, bytes);
  const text = await ok("runs");
  assert.match(text, /^b +finished +2 of 2 +[\d.]+ [KM]iB +\w+ [\d.]+ /m);
  assert.match(text, /^damaged +damaged/m);
  await Deno.remove(at("damaged"), { recursive: true });
});

Deno.test("runs: a run with a seed that is not trained has its best model from those that are", async () => {
  await trained();
  const { results } = await loadRun(disk, at("a")), [first, second] = results;
  assert.ok(first && second);
  const other = { ...first, seed: 2 };
  assert.equal(bestModel([first, other])?.seeds, 2);
  assert.equal(bestModel([]), undefined);
});

Deno.test("clean: what is not needed goes, the rest of the run stays sound, and nothing goes without --yes", async () => {
  await trained();
  const run = at("a"), checkpoints = join(run, "arms/hymba-1/checkpoints");
  await Deno.writeTextFile(join(run, "metrics.jsonl.partial"), "half");
  const found = await deletableIn(disk, run);
  assert.deepEqual(found.map(({ what }) => what), ["checkpoints", "checkpoints", "leftovers"]);
  assert.match(await ok("clean", `${RUNS}/a`), /arms\/hymba-1\/checkpoints +checkpoints[^]*nothing was changed; --yes/);
  assert.ok((await Deno.stat(checkpoints)).isDirectory);
  const before = (await readStanding(disk, run)).bytes, bytes = found.reduce((sum, one) => sum + one.bytes, 0);
  const { deleted, bytes: said } = JSON.parse(await ok("clean", `${RUNS}/a`, "--yes", "--json"));
  assert.deepEqual([deleted, said], [true, bytes]);
  await assert.rejects(Deno.stat(checkpoints), Deno.errors.NotFound);
  const after = await readStanding(disk, run);
  assert.ok(bytes > 0.3 * before && after.bytes < before - bytes, `${before} − ${bytes}: ${after.bytes}`);
  assert.equal(after.state, "finished");
  const findings = await checkChecksums(disk, run);
  assert.ok(findings.length > 10 && findings.every((one) => one.ok));
  assert.deepEqual(await cleanRun(disk, run), []);
});

Deno.test("clean: a run that a process holds and a training that is not done are left alone; --whole deletes a run", async () => {
  await trained();
  const run = at("b"), held = await lockFolder(disk, run);
  assert.deepEqual(await deletableIn(disk, run), []);
  const [kept, whole] = await Promise.all(
    [["b", "--yes"], ["b", "--whole", "--yes"]].map(([name, ...flags]) => ok("clean", `${RUNS}/${name}`, ...flags)),
  );
  assert.deepEqual([kept, whole], ["nothing to delete\n", "nothing to delete\n"]);
  await held.close();
  await unfinished("b", async () => {
    assert.deepEqual((await deletableIn(disk, run)).map(({ path }) => path), [join(run, "arms/hymba-1/checkpoints")]);
  });
  await Deno.mkdir(at("old"));
  await Deno.copyFile(join(run, "run.json"), at("old/run.json"));
  assert.match(await ok("clean", `${RUNS}/old`, "--whole", "--yes"), /^results\/runs\/old +run [^]*deleted/m);
  await assert.rejects(Deno.stat(at("old")), Deno.errors.NotFound);
});

Deno.test("compare: pairs the models of runs by token and seed; a run does not differ from itself", async () => {
  await trained();
  const a = { name: "a", run: await loadRun(disk, at("a")) }, b = { name: "b", run: await loadRun(disk, at("b")) };
  const found = compareRuns([a, b]),
    loss = ({ run }: typeof a, model: string) => run.results.find(({ arm }) => arm === model)!.stages.orpo!.final.loss;
  assert.deepEqual([found.part, found.stage, found.rows.length], ["validation", "orpo", 2]);
  for (const row of found.rows) {
    assert.equal(row.a.model, row.b.model);
    assert.ok(Math.abs(row.loss_a - loss(a, row.a.model)) < 1e-5);
    assert.ok(Math.abs(row.difference - (loss(b, row.a.model) - loss(a, row.a.model))) < 1e-5);
    assert.ok(row.interval[0] <= row.difference && row.difference <= row.interval[1]);
  }
  for (const row of compareRuns([a, { ...a, name: "again" }]).rows) {
    assert.deepEqual([row.difference, row.interval, row.finding], [0, [0, 0], "equal"]);
  }
  assert.equal(compareRuns([a, b], { everyPair: true }).rows.length, 4);
  assert.throws(
    () => compareRuns([a, b], { models: ["samba"] }),
    /no losses of tokens[^]*samba[^]*models mamba, hymba/,
  );
  const other = {
    name: "c",
    run: { ...b.run, record: { ...b.run.record, corpus: { ...b.run.record.corpus, sha256: "0" } } },
  };
  assert.throws(() => compareRuns([a, other]), /no tokens in common[^]*the corpus/);
  const text = await ok("compare", `${RUNS}/a`, `${RUNS}/b`, "--models", "mamba");
  assert.match(text, /^mamba +[\d.]+ +[\d.]+ /m);
  assert.match(text, /pretraining\.rate: 0\.003 in a, 0\.03 in b/);
});

Deno.test("watch: a finished run and a stopped one say so at once; a running one is followed until it ends", async () => {
  await trained();
  assert.match(
    await ok("watch", `${RUNS}/b`),
    /^results\/runs\/b: finished, 2 of 2 models done; lowest perplexity [\d.]+, /,
  );
  const state = JSON.parse(await ok("watch", `${RUNS}/b`, "--json"));
  assert.deepEqual([state.run, state.state, state.share, state.cells.length], [`${RUNS}/b`, "finished", 1, 2]);
  await unfinished("b", async () => {
    const held = await lockFolder(disk, at("b")), watching = hymba(place, "watch", `${RUNS}/b`, "--every", "0.1");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await held.close();
    const { code, out } = await watching;
    assert.equal(code, 1);
    assert.match(out, /^results\/runs\/b: stopped, 1 of 2 models done/);
  });
});
