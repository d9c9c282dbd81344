/** Cells of a study in run folders of their own, and the run that a merge makes of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { StudyConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { loadRun, readPart, readRecord, writeJson } from "../../core/record/mod.ts";
import { writeArtifacts } from "../../core/report/mod.ts";
import { cellsNamed, cellsOf } from "../../core/study/cells.ts";
import { fittedStudy } from "../../core/study/fitted.ts";
import { filesBelow } from "../../core/study/merge/copy.ts";
import { mergeRuns } from "../../core/study/merge/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { copied } from "./fingerprint.ts";
import { contentOf, hashOf } from "./timeless.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";
import { thorough } from "../thorough.ts";

const corpus = madeUpCorpus();

/** Runs a study, or cells of it, as `hymba ablate` does. Without speeds: each test that needs them says so. */
async function run(
  disk: Disk,
  folder: string,
  { study, cells, speedRounds }: {
    study: StudyConfig;
    cells?: string;
    speedRounds?: number;
  },
) {
  const executor = await CpuExecutor.create({ threads: 1 });
  const environment = { ...ENVIRONMENT, adapter: { name: "test" } };
  try {
    const options = { executor, corpus, disk, folder, environment, speedRounds, probe: true, test: true };
    return await runStudy(study, { ...options, ...(cells && { cells: cellsNamed(cells, study) }) });
  } finally {
    await executor.close();
  }
}

/** Files that show times and speeds, or the length of such a file. They are made again from the times of the other run. */
const HAS_TIMES = /^(metrics\.jsonl|run\.json|speeds\.json|arms.*result\.json|recall.*\.json)$/;
const SHOWS_TIMES = /^(ablation_results\.(csv|png)|budgets\.(csv|png)|recall\.csv|detailed_metrics\.txt|report\.html)$/;

thorough("a smoke study of cells in any order has, once merged, every file of the study made in one go", async () => {
  const smoke = studyOf("smoke", { models: ["mamba", "hymba"], seeds: 2, steps: 3, orpoSteps: 2 });
  const disk = memoryDisk(), fitted = await fittedStudy(disk, smoke, { corpus, say: () => {} });
  const study: StudyConfig = {
    ...fitted,
    split: { kind: "contiguous", testFraction: 0.05, gapCharacters: 0 },
  };
  const whole = await run(disk, "one", { study, speedRounds: 1 });
  await writeArtifacts(disk, "one", whole);
  for (const cells of ["3", "1", "0,2"]) await run(disk, `parts/${cells}`, { study, cells });
  const { missing } = await mergeRuns(disk, ["parts"], { out: "merged" });
  assert.deepEqual(missing, []);
  await writeArtifacts(disk, "merged", await run(disk, "merged", { study, speedRounds: 1 }));

  const files = await filesBelow(disk, "one");
  assert.deepEqual(await filesBelow(disk, "merged"), files);
  for (const file of ["arms/hymba-2/test.json", "speeds.json", "report.html", "recall.png", "comparisons.csv"]) {
    assert.ok(files.includes(file), file);
  }
  for (const file of files.filter((file) => file !== "lock" && !SHOWS_TIMES.test(file))) {
    assert.deepEqual(await contentOf(disk, join("merged", file)), await contentOf(disk, join("one", file)), file);
  }
  for (const file of files.filter((file) => HAS_TIMES.test(file))) {
    await writeAtomic(disk, join("merged", file), await disk.read(join("one", file)));
  }
  await writeArtifacts(disk, "merged", await loadRun(disk, "merged"));
  for (const file of files.filter((file) => SHOWS_TIMES.test(file))) {
    assert.equal(await hashOf(disk, join("merged", file)), await hashOf(disk, join("one", file)), file);
  }
});

const study = tinyStudy({ arms: ["mamba", "hymba"], seeds: [1, 2] });
let made: Promise<Disk> | undefined;
/** A copy of a disk with the run folders of cells 0, 1, 2 and 3 of a tiny study: `a`, `b` (two cells) and `c`. */
const withCells = async () => await copied(await (made ??= makeCells()), ".");

async function makeCells(): Promise<Disk> {
  const disk = memoryDisk();
  for (const [folder, cells] of [["a", "0"], ["b", "1,3"], ["c", "2"]] as const) {
    await run(disk, folder, { study, cells });
  }
  return disk;
}

Deno.test("a merge says what is missing, takes it later, and a merge of the same runs changes no byte", async () => {
  const disk = await withCells();
  const first = await mergeRuns(disk, ["a", "c"], { out: "out" });
  assert.deepEqual(first.missing.map(({ index }) => index), [1, 3]);
  assert.deepEqual(await readPart(disk, "out"), { format: 1, made_by: "merge", of: 4, cells: [0, 2] });
  assert.deepEqual((await loadRun(disk, "out")).results.map(({ arm, seed }) => `${arm} ${seed}`), [
    "mamba 1",
    "mamba 2",
  ]);
  await assert.rejects(run(disk, "out", { study }), /out holds cells 0, 2 of 4, merged[^]*merge again/);
  assert.deepEqual((await mergeRuns(disk, ["c", "b", "a"], { out: "out" })).missing, []);
  assert.equal(await readPart(disk, "out"), undefined);
  const all = () => hashesIn(disk, "out");
  const before = await all();
  await mergeRuns(disk, ["a", "b", "c"], { out: "out" });
  assert.deepEqual(await all(), before);
  // Positions in the log are right: a call of the study finds nothing to do, and keeps the log.
  assert.equal((await run(disk, "out", { study })).results.length, 4);
  assert.deepEqual(await all(), before);
});

Deno.test("the record of a merged run names the merge and the commands that trained the cells, also of merged runs", async () => {
  const disk = await withCells(), path = join("b", "run.json"), record = await readRecord(disk, "b");
  await writeJson(disk, path, { ...record, command: "hymba ablate --cell 1,3" });
  await mergeRuns(disk, ["a", "b", "c"], { out: "out", by: "hymba merge a b c" });
  await mergeRuns(disk, ["out"], { out: "again", by: "hymba merge out" });
  const [first, second] = [await readRecord(disk, "out"), await readRecord(disk, "again")];
  assert.deepEqual([first.command, second.command], ["hymba merge a b c", "hymba merge out"]);
  assert.deepEqual(first.trained_by, [
    { command: ENVIRONMENT.command, cells: [{ arm: "mamba", seed: 1 }, { arm: "mamba", seed: 2 }] },
    { command: "hymba ablate --cell 1,3", cells: [{ arm: "hymba", seed: 1 }, { arm: "hymba", seed: 2 }] },
  ]);
  assert.deepEqual(second.trained_by, first.trained_by);
});

Deno.test("a cell that a merge would lose, or would overwrite while it is trained, is kept", async () => {
  const disk = await withCells();
  await mergeRuns(disk, ["a", "b", "c"], { out: "out" });
  await assert.rejects(mergeRuns(disk, ["a", "c"], { out: "out" }), (error: Error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /out has cells that none of the named runs has[^]*cells 1, 3 of 4/);
    return true;
  });
  await assert.rejects(mergeRuns(disk, ["a", "c"], { out: "b" }), /b is a run that is not finished/);
  await assert.rejects(mergeRuns(disk, ["a"], { out: "a" }), /there is nothing to merge/);
  await assert.rejects(run(disk, "a", { study }), /a holds cell 0 of 4[^]*expected: a new folder, or a whole study/);
  await assert.rejects(run(disk, "a", { study, cells: "1" }), /a holds cell 0 of 4[^]*one that holds cell 1 of 4/);
  await assert.rejects(run(disk, "out", { study, cells: "1" }), /out holds a whole study/);
});

thorough(
  "a merge that is killed at any of nine operations ends, when it is repeated, with the bytes of an undisturbed one",
  async () => {
    const start = await withCells(), clean = await copied(start, ".");
    let operations = 0;
    await mergeRuns(counting(clean, () => operations++), ["a", "b", "c"], { out: "out" });
    const wanted = await hashesIn(clean, "out");
    assert.ok(operations > 100);
    for (let i = 0; i < 9; i++) {
      const at = Math.floor(i * (operations - 1) / 8);
      const disk = await copied(start, ".");
      let left = at;
      const dying = counting(disk, () => {
        if (left-- <= 0) throw new Error("killed");
      });
      await assert.rejects(mergeRuns(dying, ["a", "b", "c"], { out: "out" }), /killed/);
      await mergeRuns(disk, ["a", "b", "c"], { out: "out" });
      assert.deepEqual(await hashesIn(disk, "out"), wanted, `killed at ${at}`);
    }
  },
);

/** The SHA-256 of every file of a folder but its lock. */
async function hashesIn(disk: Disk, folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of await filesBelow(disk, folder)) {
    if (file !== "lock") found[file] = await hashOf(disk, join(folder, file));
  }
  return found;
}

/** The disk with a call before each operation that changes something. */
const counting = (disk: Disk, before: () => void): Disk => ({
  ...disk,
  writeSome: (...given) => (before(), disk.writeSome(...given)),
  truncate: (...given) => (before(), disk.truncate(...given)),
  rename: (...given) => (before(), disk.rename(...given)),
  remove: (...given) => (before(), disk.remove(...given)),
  makeFolder: (...given) => (before(), disk.makeFolder(...given)),
});

Deno.test("runs of another study, tokenizer, kernels, adapter or version are refused in words; so are two different trainings of one cell", async () => {
  const changes: [change: (record: Awaited<ReturnType<typeof readRecord>>) => object, words: RegExp][] = [
    [
      (record) => ({ ...record, study: { ...record.study, seeds: [1, 3] } }),
      /c has cells of another study than a[^]*study\.seeds\.1: 2 there, 3 here/,
    ],
    [
      (record) => ({ ...record, tokenizer: { ...record.tokenizer, sha256: "0".repeat(64) } }),
      /c has another tokenizer than a/,
    ],
    [(record) => ({ ...record, kernels: "0".repeat(64) }), /c has cells of other kernels than a/],
    [(record) => ({ ...record, adapter: { name: "other" } }), /c has cells of another backend or adapter than a/],
    [(record) => ({ ...record, versions: { hymba: "9" } }), /c has cells of another version of the program than a/],
    [(record) => ({ ...record, corpus: { ...record.corpus, sha256: "0".repeat(64) } }), /c has another text than a/],
  ];
  for (const [change, words] of changes) {
    const disk = await withCells();
    await writeJson(disk, "c/run.json", change(await readRecord(disk, "c")));
    await assert.rejects(mergeRuns(disk, ["a", "c"], { out: "out" }), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, words);
      return true;
    });
    assert.equal(await disk.stat("out"), undefined);
  }
  const disk = await withCells();
  await run(disk, "d", { study, cells: "0" });
  assert.equal((await mergeRuns(disk, ["a", "d"], { out: "both" })).found.length, 1);
  const weights = "d/arms/mamba-1/orpo.safetensors", bytes = await disk.read(weights);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  await writeAtomic(disk, weights, bytes);
  await assert.rejects(mergeRuns(disk, ["a", "d"], { out: "out" }), (error: Error) => {
    assert.ok(error instanceof HymbaError && !(error instanceof UsageError));
    assert.match(error.message, /different weights for cell 0 \(mamba, seed 1\)[^]*a and d/);
    return true;
  });
});

Deno.test("cells are read as numbers and ranges; anything else is refused with what there is", () => {
  assert.deepEqual(cellsOf(study).map(({ arm, seed }) => `${arm.name} ${seed}`), [
    "mamba 1",
    "hymba 1",
    "mamba 2",
    "hymba 2",
  ]);
  assert.deepEqual(cellsNamed("3,0-1, 1", study).map(({ index }) => index), [0, 1, 3]);
  for (const words of ["4", "", "1,", "2-1", "-1", "1.5", "hymba", "0-4"]) {
    assert.throws(() => cellsNamed(words, study), /the study has no cell .*\n +expected: numbers from 0 to 3/, words);
  }
});
