/** The corpus of a run. */
import { readText, systemDisk } from "../../core/disk/mod.ts";
import type { RunRecord } from "../../core/record/mod.ts";
import { type Corpus, type CorpusOptions, resolveCorpus, withSeparate } from "../../core/data/corpus.ts";
import { nameOfPart } from "../../core/study/preparation.ts";
import { UsageError } from "../../core/errors.ts";
import { namesInWords } from "../../core/report/record_rows.ts";
import { readStudyText } from "../../core/study_file/mod.ts";
import { textsOf } from "./study_files.ts";

/** The current paths of the texts of a run. */
export interface RunTexts {
  readonly data?: string;
  readonly validationData?: string;
  readonly testData?: string;
}

/** The key of a study file for each text of a run. */
const KEYS = { data: "files", validationData: "validationFiles", testData: "testFiles" } as const;

/**
 * The texts that the study file of a run names, if the file is still at the place that the record gives. Whether they are the
 * texts of the run is decided by their checksums.
 */
async function textsOfStudy({ origins = {} }: RunRecord, name: keyof typeof KEYS): Promise<CorpusOptions["data"]> {
  const key = KEYS[name], [, path] = /^(.+\.toml):\d+$/.exec(origins[`data.${key}`] ?? "") ?? [];
  if (path === undefined || (await systemDisk.stat(path))?.kind !== "file") return undefined;
  return textsOf(readStudyText(await readText(systemDisk, path), { file: path }).values, key);
}

/**
 * Finds the run's corpus: the file `data`, else the texts that the study file of the run names, else the corpus with the recorded
 * name; and the files of separate parts, which are not found by a name. Throws a UsageError if one is not the text of the run.
 */
export async function corpusOf(
  record: RunRecord,
  { onProgress, ...given }: RunTexts & { onProgress?: (line: string) => void },
): Promise<Corpus> {
  const { corpus: { name: named, sha256, files, warning, validation, test }, study } = record;
  const validationData = given.validationData ?? (validation && await textsOfStudy(record, "validationData"));
  const testData = given.testData ?? (test && await textsOfStudy(record, "testData"));
  const data = given.data ?? await textsOfStudy(record, "data");
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
    given?: CorpusOptions["data"];
    recorded: RunRecord["corpus"]["test"];
    onProgress?: (line: string) => void;
  },
): Promise<CorpusOptions["data"]> {
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
