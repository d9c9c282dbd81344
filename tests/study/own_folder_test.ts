/** Files in the folder of `--out` that do not belong to a run are never overwritten and never used. */
import { strict as assert } from "node:assert";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, DiskError, makeFolders, memoryDisk, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { requireOwnFolder } from "../../core/record/mod.ts";
import { chooseModel, TrainedModel } from "../../core/study/one_model.ts";
import { runStudy } from "../../core/study/study.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { checkTokenizer } from "../../core/verify/check_tokenizer.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const FOLDER = "out", corpus = madeUpCorpus(), study = tinyStudy({ arms: ["mamba"] });
/** Another tokenizer of the same size, so that its ids fit the model. */
const FOREIGN = trainTokenizer(corpus.text.toUpperCase().split("").toReversed().join(""), {
  vocabSize: study.vocabSize,
  size: "most",
});

async function withFiles(files: Record<string, Uint8Array | string>): Promise<Disk> {
  const disk = memoryDisk();
  await makeFolders(disk, `${FOLDER}/sub`);
  await disk.remove(`${FOLDER}/sub`);
  for (const [name, content] of Object.entries(files)) await writeAtomic(disk, `${FOLDER}/${name}`, content);
  return disk;
}

async function run(disk: Disk) {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    return await runStudy(study, { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT });
  } finally {
    await executor.close();
  }
}

/** Every file of the folder with its text. */
async function contents(disk: Disk): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await disk.list(FOLDER)) {
    found[name] = String(new TextDecoder().decode(await disk.read(`${FOLDER}/${name}`)));
  }
  return found;
}

const OWN_FILES: readonly (readonly [name: string, content: string])[] = [
  ["report.html", "<h1>mine</h1>"],
  ["metrics.jsonl", '{"mine": true}\n'],
  ["checksums.json", "{}"],
  ["ablation_results.csv", "a,b"],
  ["film.partial", "half of a film"],
  ["tokenizer.model.bak", "x"],
  ["lock", "the combination is 1234"],
  ["tokenizer.json", FOREIGN.toJson()],
  ["tokenizer.model", "not even a model"],
  [".hidden", ""],
];

for (const [name, content] of OWN_FILES) {
  Deno.test(`a folder with somebody's ${name} is refused, and nothing in it changes`, async () => {
    const disk = await withFiles({ [name]: content }), before = await contents(disk);
    await assert.rejects(run(disk), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, /has files in it and is not a run[^]*expected: a new or empty folder/);
      assert.ok(error.message.includes(JSON.stringify(name)) && /--out/.test(error.message), error.message);
      return true;
    });
    assert.deepEqual(await contents(disk), before);
  });
}

Deno.test("a run.json that is not a run's is refused, and nothing changes", async () => {
  const disk = await withFiles({ "run.json": '{"distance": 10}', "notes.partial": "n" }), before = await contents(disk);
  await assert.rejects(run(disk), (error: unknown) => error instanceof HymbaError && /run\.json/.test(error.message));
  assert.deepEqual(await contents(disk), before);
});

Deno.test("a file is not a folder, many files are counted, an absent or empty folder is taken", async () => {
  const disk = await withFiles({});
  await requireOwnFolder(disk, FOLDER);
  await requireOwnFolder(disk, "absent");
  await writeAtomic(disk, "file", "x");
  await assert.rejects(requireOwnFolder(disk, "file"), /file is not a folder/);
  const many = await withFiles(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, ""])));
  await assert.rejects(requireOwnFolder(many, FOLDER), /got: +"f0", "f1", "f2" and 6 more/);
});

Deno.test("what a process left that was killed before the record was written is no hindrance", async () => {
  const straight = await withFiles({}), { record } = await run(straight);
  const model = await straight.read(`${FOLDER}/tokenizer.model`);
  const left: Record<string, Uint8Array | string>[] = [
    { lock: "" },
    { lock: "process 12, started 2026-11-28T01:46:13.835Z", "tokenizer.model.partial": "half" },
    { lock: "", "tokenizer.model": model, "run.json.partial": "{" },
  ];
  for (const files of left) {
    const again = await run(await withFiles(files));
    assert.equal(again.record.tokenizer.sha256, record.tokenizer.sha256);
  }
});

Deno.test("a tokenizer that somebody put into an empty folder is refused in words, whether its size fits or not", async () => {
  const files: Record<string, Uint8Array | string>[] = [
    { "tokenizer.model": FOREIGN.toModelBytes() },
    { "tokenizer.json": FOREIGN.toJson() },
    { "tokenizer.model": "not even a model" },
  ];
  for (const file of files) {
    // Beside a lock they could be of a run that was killed.
    const disk = await withFiles({ ...file, lock: "" }), before = await contents(disk);
    await assert.rejects(run(disk), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, /tokenizer\.(model|json) is not the tokenizer of this study[^]*--out/);
      return true;
    });
    const { lock: _, ...after } = await contents(disk), { lock: __, ...others } = before;
    assert.deepEqual(after, others);
  }
});

Deno.test("a study that fails before it has a record leaves nothing behind, and a killed one can be continued", async () => {
  const full = memoryDisk({ freeSpace: 1000 });
  await assert.rejects(run(full), /not enough free space in out/);
  assert.deepEqual(await full.list("."), []);
  for (const failing of ["tokenizer.model", "tokenizer.json", "run.json"]) {
    const disk = memoryDisk(),
      rename: Disk["rename"] = (from, to) =>
        to.endsWith(failing) ? Promise.reject(new DiskError("rename", to, "ENOSPC")) : disk.rename(from, to);
    await assert.rejects(run({ ...disk, rename }), (error: unknown) => error instanceof DiskError);
    assert.deepEqual(await disk.list("."), [], failing);
    const kept = await withFiles({ lock: "", "tokenizer.model.partial": "half" });
    await assert.rejects(run({ ...kept, rename }), DiskError);
    assert.deepEqual(await kept.list(FOLDER), ["lock"], "a lock that was there stays");
  }
  const filled: Disk = { ...memoryDisk(), lock: (path) => Promise.reject(new DiskError("lock", path, "ENOSPC")) };
  await assert.rejects(run(filled), DiskError);
  assert.deepEqual(await filled.list("."), []);
});

Deno.test("a tokenizer that replaces a run's is refused by a resume and by its models, and verify notices", async () => {
  const disk = await withFiles({}), { record } = await run(disk);
  const sound = await checkTokenizer(disk, FOLDER, { record, corpus });
  assert.deepEqual(sound.map(({ ok }) => ok), [true, true]);
  await writeAtomic(disk, `${FOLDER}/tokenizer.model`, FOREIGN.toModelBytes());
  const expected = /tokenizer\.model is not the tokenizer of this run/;
  await assert.rejects(run(disk), expected);
  const executor = await CpuExecutor.create({ threads: 1 }), chosen = await chooseModel(disk, FOLDER);
  await assert.rejects(TrainedModel.open(executor, { disk, chosen }), expected);
  await executor.close();
  const replaced = await checkTokenizer(disk, FOLDER, { record, corpus });
  assert.deepEqual(replaced.map(({ ok }) => ok), [false, true]);
  // A run that was made with a foreign tokenizer from its first step on names that in its record.
  const foreign = { ...record, tokenizer: { ...record.tokenizer, sha256: FOREIGN.hash } };
  const used = await checkTokenizer(disk, FOLDER, { record: foreign, corpus });
  assert.deepEqual(used.map(({ ok }) => ok), [true, false]);
});
