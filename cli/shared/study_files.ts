/** The files that a study names: its texts and its tokenizer. */
import { basename, dirname, isAbsolute, join } from "node:path";
import { filesMatching, isPattern } from "../../core/data/corpus.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { quoted } from "../../core/errors.ts";
import { meantHint } from "../../core/nearest.ts";
import { type Fault, faultAt, itemAt, type Origin, type Values } from "../../core/study_file/mod.ts";
import { CORPORA } from "../../datasets/registry.ts";

/** A path that a key names, from the folder of the study file that has the key. */
export const pathFrom = (path: string, origin: Origin): string =>
  isAbsolute(path) || origin.kind !== "file" ? path : join(dirname(origin.file), path);

const isKnown = (name: string) => CORPORA.some((corpus) => corpus.name === name);

/**
 * The paths of the texts of a key, relative to the study file that has the key. The name of a registered corpus is not
 * changed.
 */
export function textsOf(values: Values, key: "files" | "validationFiles" | "testFiles"): readonly string[] | undefined {
  const given = values.get(`data.${key}`);
  if (!given || !Array.isArray(given.value)) return undefined;
  return given.value.map(String).map((path) => isKnown(path) ? path : pathFrom(path, given.origin));
}

/** What is wrong with a path that should be a file or a pattern of files; undefined if it is one. */
async function unmet(path: string): Promise<Pick<Fault, "what" | "expected" | "hint"> | undefined> {
  const found = await systemDisk.stat(path);
  if (found?.kind === "folder") {
    return { what: `${path} is a folder`, expected: `a file, or a pattern such as ${path}/*` };
  }
  if (found) return undefined;
  if (isPattern(path)) {
    if ((await filesMatching(systemDisk, path)).length > 0) return undefined;
    return {
      what: `no file matches ${quoted(path)}`,
      expected: "a pattern of existing files, with * and ? in the last part of the path",
    };
  }
  const folder = dirname(path),
    names = (await systemDisk.stat(folder))?.kind === "folder" ? await systemDisk.list(folder) : [];
  const hint = meantHint(basename(path), [...names, ...CORPORA.map(({ name }) => name)]);
  return { what: `there is no file ${quoted(path)}`, expected: "an existing file", ...(hint && { hint }) };
}

/** A fault for each missing file of a study. `data`: texts that replace `data.files`. */
export async function missingFiles(values: Values, { data }: { data?: string } = {}): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const key of [...(data === undefined ? ["files" as const] : []), "validationFiles", "testFiles"] as const) {
    const given = values.get(`data.${key}`);
    for (const [i, path] of (textsOf(values, key) ?? []).entries()) {
      const fault = given && !isKnown(path) ? await unmet(path) : undefined;
      if (given && fault) faults.push({ ...fault, at: itemAt(given.origin, i), what: `data.${key}: ${fault.what}` });
    }
  }
  return [...faults, ...await missingTokenizer(values)];
}

async function missingTokenizer(values: Values): Promise<Fault[]> {
  const tokenizer = values.get("data.tokenizer");
  if (!tokenizer || tokenizer.value === "bytes") return [];
  const path = pathFrom(String(tokenizer.value), tokenizer.origin), found = await systemDisk.stat(path);
  if (found?.kind === "file") return [];
  return [{
    at: faultAt(tokenizer.origin),
    what: `${path} is not a tokenizer`,
    expected: "a SentencePiece .model, a tokenizer.json, or the word bytes",
    got: found ? "no regular file" : "nothing",
    hint: "hymba tokenizer train makes one; without data.tokenizer the study trains its own",
  }];
}
