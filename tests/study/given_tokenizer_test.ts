/** Given tokenizers: bytes, a file of either format, another one in the folder, and their entry in the record. */
import { strict as assert } from "node:assert";
import { fc } from "../packages.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk, systemDisk, writeFile } from "../../core/disk/mod.ts";
import { readTokenizer } from "../../core/record/mod.ts";
import { recordRows } from "../../core/report/record_rows.ts";
import { fittedStudy, type GivenTokenizer } from "../../core/study/fitted.ts";
import { runStudy } from "../../core/study/study.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { byteTokenizer, Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { checkTokenizer } from "../../core/verify/check_tokenizer.ts";
import { checkQualities } from "../../core/verify/verify.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run";

Deno.test("bytes: one token a byte, every text comes back, and both files say the same", () => {
  const bytes = byteTokenizer(), json = Tokenizer.fromJson(bytes.toJson());
  const model = Tokenizer.fromModelBytes(bytes.toModelBytes());
  assert.equal(bytes.vocabSize, 260);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const plain = text.toWellFormed().replaceAll(/[\u2581\0]/g, "?"), ids = bytes.encode(plain);
      assert.equal(ids.length, new TextEncoder().encode(plain).length);
      assert.equal(bytes.decode(ids), plain);
      for (const other of [json, model]) assert.deepEqual(other.encode(plain), ids);
    }),
    { numRuns: 100 },
  );
  const mark = "a\u2581b c\n";
  assert.equal(bytes.decode(bytes.encode(mark)), mark);
});

async function study(disk: Disk, given?: GivenTokenizer, { bytes = false } = {}) {
  const tiny = { ...tinyStudy({ arms: ["mamba"] }), ...(bytes ? { tokenizer: "bytes" as const } : {}) };
  const fitted = await fittedStudy(disk, tiny, { corpus, given, say: () => {} });
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, givenTokenizer: given };
    const run = await runStudy(fitted, options);
    const checked = await checkQualities(disk, FOLDER, { executor, corpus, same: true, run });
    assert.ok(checked.length === 3 && checked.every(({ ok }) => ok));
    assert.ok((await checkTokenizer(disk, FOLDER, { record: run.record, corpus })).every(({ ok }) => ok));
    return run;
  } finally {
    await executor.close();
  }
}

const tokenizerRow = (run: Parameters<typeof recordRows>[0]) =>
  recordRows(run).find(([name]) => name === "tokenizer")![1];

Deno.test("a study of bytes has their vocabulary, samples and record", async () => {
  const run = await study(memoryDisk(), undefined, { bytes: true });
  assert.deepEqual([run.record.study.vocabSize, run.record.study.arms[0]!.config.vocabSize], [260, 260]);
  assert.equal(run.record.tokenizer.source, "bytes");
  assert.match(tokenizerRow(run), /^bytes of UTF-8, 260 pieces, not trained/);
  assert.equal(run.record.data.evaluatedTokens, run.record.data.evaluatedBytes);
  assert.ok(run.results[0]!.samples.every(({ text }) => text.length > 0));
});

Deno.test("a given file is used and named; the same again continues; another one, or a stranger in the folder, is refused", async () => {
  const disk = memoryDisk(),
    tokenizer = trainTokenizer("some other words of another text\n".repeat(50), {
      vocabSize: 310,
      size: "most",
    });
  const given = { tokenizer, source: "other.model" }, run = await study(disk, given);
  assert.equal(run.record.study.vocabSize, tokenizer.vocabSize);
  assert.deepEqual([run.record.tokenizer.source, run.record.study.tokenizer], ["other.model", "model"]);
  assert.equal((await readTokenizer(disk, `${FOLDER}/tokenizer.model`)).hash, tokenizer.hash);
  assert.match(tokenizerRow(run), /read from other\.model, not trained here/);
  await study(disk, { ...given, source: "moved.model" });
  const second = trainTokenizer("quite different letters: qwxz\n".repeat(50), { vocabSize: 310, size: "most" });
  await assert.rejects(
    study(disk, { tokenizer: second, source: "second.model" }),
    /another study[^]*tokenizer\.sha256/,
  );
  const foreign = memoryDisk();
  await foreign.makeFolder(FOLDER);
  await writeFile(foreign, `${FOLDER}/tokenizer.model`, second.toModelBytes());
  await assert.rejects(study(foreign, given), /has files in it and is not a run[^]*tokenizer\.model/);
});

Deno.test("a tokenizer.json of Hugging Face that no .model can express is the only form of its run", async () => {
  const text = JSON.stringify({
    ...{ version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [["<unk>", 0], ["▁", -2], ..."\nabcdefghijklmnopqrstuvwxyz"].map((one) =>
        Array.isArray(one) ? one : [one, -3]
      ),
      byte_fallback: false,
    },
  });
  const tokenizer = await Tokenizer.openJson(text), disk = memoryDisk();
  assert.equal(tokenizer.hasModel, false);
  const run = await study(disk, { tokenizer, source: "hf.json" });
  assert.equal(run.record.study.tokenizer, "json");
  assert.equal(await disk.stat(`${FOLDER}/tokenizer.model`), undefined);
  assert.equal((await readTokenizer(disk, `${FOLDER}/tokenizer.json`)).hash, tokenizer.hash);
});

Deno.test("a study that continues without its given tokenizer says how to name it again", async () => {
  const fitted = { ...tinyStudy({ arms: ["mamba"] }), tokenizer: "model" as const };
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    await assert.rejects(
      runStudy(fitted, { executor, corpus, disk: memoryDisk(), folder: FOLDER, environment: ENVIRONMENT }),
      /uses a given tokenizer, which is missing[^]*--tokenizer FILE/,
    );
  } finally {
    await executor.close();
  }
  assert.equal(await fittedStudy(systemDisk, fitted, { corpus, say: () => {} }), fitted);
});

Deno.test("the key data.tokenizer: bytes are part of the study; a profile has its own", () => {
  const resolved = (text: string) => resolveSources({ file: { path: "my.toml", text } });
  assert.equal(resolved('[data]\ntokenizer = "bytes"\n').study.tokenizer, "bytes");
  assert.equal(resolved('[data]\ntokenizer = "my.model"\n').study.tokenizer, undefined);
  assert.throws(
    () => resolved('profile = "seed"\n[data]\ntokenizer = "bytes"\n'),
    /my\.toml:3:1: data\.tokenizer does not go with profile seed/,
  );
});
