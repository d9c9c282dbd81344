/** The corpus of a run. */
import type { RunRecord } from "../../core/record/mod.ts";
import { type Corpus, resolveCorpus, withSeparate } from "../../core/data/corpus.ts";
import { nameOfPart } from "../../core/study/preparation.ts";
import { UsageError } from "../../core/errors.ts";
import { namesInWords } from "../../core/report/record_rows.ts";

/** The current paths of the texts of a run. */
export interface RunTexts {
  readonly data?: string;
  readonly validationData?: string;
  readonly testData?: string;
}

/**
 * Finds the run's corpus by its name, or reads the file `data`, and the files of separate parts. Throws a UsageError if one is
 * not the text of the run.
 */
export async function corpusOf(
  { corpus: { name: named, sha256, files, warning, validation, test }, study }: RunRecord,
  { data, validationData, testData, onProgress }: RunTexts & { onProgress?: (line: string) => void },
): Promise<Corpus> {
  const part = nameOfPart("", study), name = named.endsWith(part) ? named.slice(0, named.length - part.length) : named;
  const found = await resolveCorpus({ data: data ?? name, onProgress }).catch((cause) => {
    if (data !== undefined || !(cause instanceof UsageError)) throw cause;
    throw new UsageError(`the run used the text ${JSON.stringify(name)}, which is not a known corpus`, {
      ...(files && { got: `${files.length} files, in this order: ${namesInWords(files)}` }),
      hint: files ? "give the files with --data FILE,FILE" : "give the file with --data FILE",
      cause,
    });
  });
  requireText(found, { sha256, flag: "--data" });
  const own = { ...found, name, warning };
  return await withSeparate(own, {
    validation: await separateText("validation", { given: validationData, recorded: validation, onProgress }),
    test: await separateText("test", { given: testData, recorded: test, onProgress }),
    onProgress,
  });
}

function requireText({ path, sha256: got }: Corpus, { sha256, flag }: { sha256: string; flag: string }): void {
  if (got === sha256) return;
  const hint = `give the file with ${flag} FILE`;
  throw new UsageError(`${path} is not the text that the run used`, { expected: `SHA-256 ${sha256}`, got, hint });
}

/** The checked file of a separate part; undefined if the run has no such part. */
async function separateText(
  part: "validation" | "test",
  { given, recorded, onProgress }: {
    given?: string;
    recorded: RunRecord["corpus"]["test"];
    onProgress?: (line: string) => void;
  },
): Promise<string | undefined> {
  if (!recorded) return undefined;
  const { name, sha256, files } = recorded, flag = `--${part}-data`;
  if (given === undefined) {
    throw new UsageError(`the ${part} part of the run is the text ${JSON.stringify(name)}`, {
      ...(files && { got: `${files.length} files, in this order: ${namesInWords(files)}` }),
      hint: files ? `give its files with ${flag} FILE,FILE` : `give its file with ${flag} FILE`,
    });
  }
  requireText(await resolveCorpus({ data: given, onProgress }), { sha256, flag });
  return given;
}
