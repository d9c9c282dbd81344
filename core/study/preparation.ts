/** What all arms of a study share: tokenizer, tokens, baselines, the record. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import {
  FILES,
  readJson,
  readTokenizer,
  type RunRecord,
  runRecordOf,
  tokenizerPath,
  writeJson,
} from "../record/mod.ts";
import { bigramLoss, unigramLoss } from "../data/baselines.ts";
import type { Corpus } from "../data/corpus.ts";
import type { TokenData } from "../data/split.ts";
import { studyTokens, tokenizerText } from "../data/study_data.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { UsageError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { qualityOf } from "../eval/quality.ts";
import { tokenizerFor } from "./fitted.ts";

/** The versions, backend and adapter that compute a study. */
export interface Environment {
  readonly versions: Readonly<Record<string, string>>;
  readonly backend: string;
  readonly adapter: Readonly<Record<string, string | number>>;
  /** Tiles of matrix products by shape, where they were tuned. */
  readonly tiles?: Readonly<Record<string, string>>;
  readonly command: string;
  /** Where each value of the study comes from, by its key. */
  readonly origins?: Readonly<Record<string, string>>;
}

export interface Preparation {
  readonly record: RunRecord;
  readonly tokenizer: Tokenizer;
  readonly tokens: TokenData;
}

/** What a record calls the part of a corpus that a study uses. */
export const nameOfPart = (name: string, { characters }: Pick<StudyConfig, "characters">): string =>
  characters === undefined ? name : `${name} (first ${characters} characters)`;

interface Prepared {
  readonly study: StudyConfig;
  readonly corpus: Corpus;
  readonly environment: Environment;
}

/** Prepares a run folder, or checks that what it holds is this very study. */
export async function prepare(disk: Disk, folder: string, given: Prepared): Promise<Preparation> {
  const { study, corpus: { text } } = given, kept = tokenizerPath(folder, study);
  const tokenizer = await disk.stat(kept)
    ? await readTokenizer(disk, kept)
    : await tokenizerFor(disk, tokenizerText(text, study), study);
  const tokens = studyTokens(text, tokenizer, study), record = recordOf(given, tokenizer, tokens);
  const before = await readJson(disk, join(folder, FILES.record), { as: runRecordOf });
  if (before) {
    requireSame(before, record, folder);
    return { record: { ...before, study }, tokenizer, tokens };
  }
  if (study.profile === undefined) await writeAtomic(disk, kept, tokenizer.toModelBytes());
  await writeAtomic(disk, join(folder, FILES.tokenizer), tokenizer.toJson());
  await writeJson(disk, join(folder, FILES.record), record);
  return { record, tokenizer, tokens };
}

function recordOf({ study, corpus, environment }: Prepared, tokenizer: Tokenizer, tokens: TokenData): RunRecord {
  const predicted = { tokens: tokens.validation.length - 1, bytes: tokens.evaluatedBytes };
  const { name, bytes, sha256, licence, warning } = corpus, { vocabSize: V } = study;
  return {
    format: 1,
    study,
    ...environment,
    corpus: { name: nameOfPart(name, study), bytes, sha256, licence, ...(warning ? { warning } : {}) },
    tokenizer: { sha256: tokenizer.hash, vocabSize: tokenizer.vocabSize },
    data: {
      trainTokens: tokens.train.length,
      validationTokens: tokens.validation.length,
      evaluatedTokens: predicted.tokens,
      evaluatedBytes: predicted.bytes,
    },
    baselines: {
      unigram: qualityOf(unigramLoss(tokens, V), predicted),
      bigram: qualityOf(bigramLoss(tokens, V), predicted),
    },
    started: new Date().toISOString(),
  };
}

/** Throws a UsageError with the differences when a folder holds another study. */
function requireSame(before: RunRecord, now: RunRecord, folder: string): void {
  const pick = ({ study, corpus, tokenizer, backend }: RunRecord) =>
    flatten(JSON.parse(JSON.stringify({ study, corpus, tokenizer, backend })));
  const [old, wanted] = [pick(before), pick(now)];
  const changed = [...new Set([...old.keys(), ...wanted.keys()])].filter((key) => old.get(key) !== wanted.get(key));
  if (changed.length === 0) return;
  const shown = changed.slice(0, 12).map((key) =>
    `${key}: ${old.get(key) ?? "absent"} there, ${wanted.get(key) ?? "absent"} now`
  );
  if (changed.length > shown.length) shown.push(`and ${changed.length - shown.length} more`);
  throw new UsageError(`${folder} holds another study`, {
    got: shown.join("\n            "),
    hint: "repeat the first command to go on with it, or choose another folder with --out",
  });
}

function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}.${key}` : key, into);
  } else into.set(path, String(value));
  return into;
}
