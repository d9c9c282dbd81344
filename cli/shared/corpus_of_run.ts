/** The corpus of a run. */
import type { RunRecord } from "../../core/record/mod.ts";
import { type Corpus, resolveCorpus } from "../../core/data/corpus.ts";
import { nameOfPart } from "../../core/study/preparation.ts";
import { UsageError } from "../../core/errors.ts";

/** Finds the run's corpus by its name, or reads the file `data`. Throws a UsageError when it is not the text of the run. */
export async function corpusOf(
  { corpus: { name: named, sha256, warning }, study }: RunRecord,
  { data, onProgress }: { data?: string; onProgress?: (line: string) => void },
): Promise<Corpus> {
  const part = nameOfPart("", study), name = named.endsWith(part) ? named.slice(0, named.length - part.length) : named;
  const found = await resolveCorpus({ data: data ?? name, onProgress }).catch((cause) => {
    if (data !== undefined || !(cause instanceof UsageError)) throw cause;
    throw new UsageError(`the run used the text ${JSON.stringify(name)}, which is not a known corpus`, {
      hint: "give the file with --data FILE",
      cause,
    });
  });
  if (found.sha256 !== sha256) {
    throw new UsageError(`${found.path} is not the text that the run used`, {
      expected: `SHA-256 ${sha256}`,
      got: found.sha256,
      hint: "give the file with --data FILE",
    });
  }
  return { ...found, name, warning };
}
