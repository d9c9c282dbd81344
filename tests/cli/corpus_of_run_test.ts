/** Commands that read a run find its text through the run's study file, and check it. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { resolvePreset } from "../../core/study_file/mod.ts";
import type { RunRecord } from "../../core/record/mod.ts";
import { corpusOf } from "../../cli/shared/corpus_of_run.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The parts of a record that tell where its text is: the folder's study.toml names a.txt and b.txt, and heldout.txt as the test part. */
function recordIn(folder: string, texts: readonly string[], test?: string): RunRecord {
  const { study } = resolvePreset("smoke"), place = `${folder}/study.toml:3`;
  const about = { bytes: 1, licence: "the user's own file" }, name = texts.length > 1 ? "a + b" : "a";
  const record = {
    study: { ...study, characters: undefined },
    origins: { "data.files": place, ...(test === undefined ? {} : { "data.testFiles": place }) },
    corpus: {
      ...about,
      name,
      sha256: sha256(texts.join("\n")),
      ...(test === undefined ? {} : { test: { ...about, name: "heldout", sha256: sha256(test) } }),
    },
  };
  return record as unknown as RunRecord;
}

/** Texts of the least allowed length. */
const TO_BE = "to be or not ".repeat(100), TO_SEE = "to see and hear ".repeat(100), OTHER = "another text ".repeat(100);

async function withFolder(files: Readonly<Record<string, string>>, body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("text of a run: the study file of the run names it, and its test part", async () => {
  const study = '[data]\n\nfiles = ["a.txt"]\ntestFiles = ["heldout.txt"]\n';
  await withFolder({ "study.toml": study, "a.txt": TO_BE, "heldout.txt": TO_SEE }, async (folder) => {
    const corpus = await corpusOf(recordIn(folder, [TO_BE], TO_SEE), {});
    assert.equal(corpus.name, "a");
    assert.equal(corpus.sha256, sha256(TO_BE));
    assert.equal(corpus.separate?.test?.sha256, sha256(TO_SEE));
  });
});

Deno.test("text of a run: a changed text is refused, and without the study file the flag is named", async () => {
  await withFolder({ "study.toml": '[data]\n\nfiles = ["a.txt"]\n', "a.txt": OTHER }, async (folder) => {
    const record = recordIn(folder, [TO_BE]);
    await assert.rejects(corpusOf(record, {}), /a\.txt is not the text that the run used[^]*--data FILE/);
    await Deno.remove(`${folder}/study.toml`);
    await assert.rejects(corpusOf(record, {}), /which is not a known corpus[^]*--data FILE/);
  });
});

Deno.test("text of a run: names of files may have commas in them", async () => {
  const study = '[data]\n\nfiles = ["a,1.txt", "b.txt"]\n';
  await withFolder({ "study.toml": study, "a,1.txt": TO_BE, "b.txt": TO_SEE }, async (folder) => {
    const text = [TO_BE, TO_SEE], corpus = await corpusOf(recordIn(folder, text), {});
    assert.equal(corpus.sha256, sha256(text.join("\n")));
  });
});
