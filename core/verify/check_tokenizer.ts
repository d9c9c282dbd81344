/** Checks that the tokenizer of a run matches its record and its text. */
import type { Corpus } from "../data/corpus.ts";
import { tokenizerSample } from "../data/corpus_tokens.ts";
import type { Disk } from "../disk/mod.ts";
import { readTokenizer, type RunRecord, tokenizerPath } from "../record/mod.ts";
import { bytesWhere } from "../study/fitted.ts";
import { fitTokenizer } from "../tokenizer/mod.ts";
import type { Finding } from "./checksums.ts";

/** Compares the tokenizer in the folder with the record, and trains it again on the text of the run. */
export async function checkTokenizer(
  disk: Disk,
  folder: string,
  { record: { study, tokenizer }, corpus }: { record: RunRecord; corpus: Corpus },
): Promise<Finding[]> {
  const found = (await readTokenizer(disk, tokenizerPath(folder, study))).hash;
  const again = study.tokenizer === undefined
    ? fitTokenizer((await tokenizerSample(corpus, study)).text, study).hash
    : bytesWhere(study)?.tokenizer.hash;
  const compared = (what: string, made: string, words: string): Finding => ({
    what,
    ok: made === tokenizer.sha256,
    detail: made === tokenizer.sha256 ? made : `the record names ${tokenizer.sha256}, ${words} ${made}`,
  });
  return [
    compared("tokenizer, read again", found, "the file is"),
    ...(again === undefined ? [] : [compared("tokenizer, trained again", again, "the text gives")]),
  ];
}
