/** A text that is in two parts of a study is refused, however it came there; one that is in a part twice is said. */
import { strict as assert } from "node:assert";
import { resolveCorpus, withSeparate } from "../../core/data/corpus.ts";
import { withDistinctTexts } from "../../core/data/distinct.ts";
import { memoryDisk, writeFile } from "../../core/disk/mod.ts";

const disk = memoryDisk();
for (const [name, word] of [["a1", "one"], ["a2", "two"], ["b", "three"], ["copy", "two"]] as const) {
  await writeFile(disk, `${name}.txt`, new TextEncoder().encode(`${word} and more\n`.repeat(200)));
}

interface Texts {
  readonly files: readonly string[];
  readonly validation?: readonly string[];
  readonly test?: readonly string[];
}

/** The corpus of these texts. `held`: 100 reads them part by part. */
async function made({ files, validation, test }: Texts, held?: number) {
  // A pattern is not resolved against the real working folder.
  const patterns = (names?: readonly string[]) => names?.map((name) => name.replace("txt", "tx?"));
  const main = await resolveCorpus({ disk, data: patterns(files), held });
  return withDistinctTexts(
    await withSeparate(main, { disk, validation: patterns(validation), test: patterns(test), held }),
  );
}

Deno.test("texts of training, validation and test have to be different files, also as copies and as parts of a pattern", async () => {
  for (const held of [undefined, 100]) {
    const refused = (texts: Texts, pattern: RegExp) => assert.rejects(() => made(texts, held), pattern);
    await refused({ files: ["a?.txt"], test: ["a2.txt"] }, /in data\.files and in data\.testFiles[^]*got: +a2\.txt\n/);
    await refused({ files: ["a1.txt"], validation: ["a1.txt"] }, /in data\.files and in data\.validationFiles/);
    await refused(
      { files: ["a1.txt"], validation: ["b.txt", "a2.txt"], test: ["copy.txt"] },
      /validationFiles and in data\.testFiles[^]*a2\.txt and copy\.txt, which have the same bytes/,
    );
    const { warning } = await made({ files: ["a?.txt"], validation: ["b.txt"] }, held);
    assert.equal(warning, undefined);
  }
});

Deno.test("a file that is listed twice in one part is reported", async () => {
  const { warning } = await made({ files: ["a1.txt", "a*.txt"] });
  assert.match(warning ?? "", /^In data\.files, a1\.txt is there twice\./);
  assert.match(
    (await made({ files: ["a2.txt", "copy.txt"] })).warning ?? "",
    /a2\.txt and copy\.txt have the same bytes/,
  );
});
