/** Prepares what all arms of a study share: tokenizer, tokens, baselines and the record. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import {
  FILES,
  readJson,
  readTokenizer,
  requireOwnTokenizer,
  type RunRecord,
  runRecordOf,
  tokenizerPath,
  writeJson,
} from "../record/mod.ts";
import { bigramLoss, COUNTED_TOKENS, unigramLoss } from "../data/baselines.ts";
import type { Corpus } from "../data/corpus.ts";
import { predictedTokens, type TokenData } from "../data/parts.ts";
import { corpusTokens, tokenizerSample } from "../data/corpus_tokens.ts";
import { type Disk, sha256, writeAtomic } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { qualityOf } from "../eval/quality.ts";
import { bytesWhere, type GivenTokenizer, tokenizerFor } from "./fitted.ts";
import { differences } from "./json_differences.ts";

/** The versions, backend and adapter of a study. */
export interface Environment {
  readonly versions: Readonly<Record<string, string>>;
  readonly backend: string;
  readonly adapter: Readonly<Record<string, string | number>>;
  /** Tuned tiles of matrix products, by shape. */
  readonly tiles?: Readonly<Record<string, string>>;
  readonly command: string;
  /** SHA-256 of the kernels: see `kernelsHash`. */
  readonly kernels?: string;
  readonly program?: RunRecord["program"];
  readonly processor?: string;
  /** Seconds per update by arm. The steps of a study with a budget of seconds are computed from them. */
  readonly updateSeconds?: Readonly<Record<string, number>>;
  readonly updateRatios?: Readonly<Record<string, readonly number[]>>;
  /** The origin of each value of the study, by its key. */
  readonly origins?: Readonly<Record<string, string>>;
}

export interface Preparation {
  readonly record: RunRecord;
  readonly tokenizer: Tokenizer;
  readonly tokens: TokenData;
}

/** The name in the record for the part of a corpus that a study uses. */
export const nameOfPart = (name: string, { characters }: Pick<StudyConfig, "characters">): string =>
  characters === undefined ? name : `${name} (first ${characters} characters)`;

interface Prepared {
  readonly study: StudyConfig;
  readonly corpus: Corpus;
  readonly environment: Environment;
  /** A tokenizer that is not trained on the text. A continued run has it in its folder. */
  readonly givenTokenizer?: GivenTokenizer;
  /** Called while a large text is encoded. */
  readonly onProgress?: (line: string) => void;
}

/** Throws a UsageError if a file exists with other bytes, which this program did not write. */
async function requireAbsentOr(disk: Disk, path: string, content: Uint8Array | string): Promise<void> {
  if (!await disk.stat(path) || sha256(await disk.read(path)) === sha256(content)) return;
  throw new UsageError(`${path} is not the tokenizer of this study`, {
    expected: "no such file, or the tokenizer of this study",
    got: "another file",
    hint:
      "move it away, or choose another folder with --out; a study trains its own tokenizer unless --tokenizer names one",
  });
}

/** Writes the tokenizer of a new run. If the folder has another tokenizer, throws a UsageError before it writes anything. */
async function keepTokenizer(
  disk: Disk,
  folder: string,
  { tokenizer, study }: { tokenizer: Tokenizer; study: StudyConfig },
): Promise<void> {
  const files: [name: string, content: Uint8Array | string][] = [];
  if (tokenizerPath("", study) === FILES.model) files.push([FILES.model, tokenizer.toModelBytes()]);
  if (tokenizer.hasJson) files.push([FILES.tokenizer, tokenizer.toJson()]);
  for (const [name, content] of files) await requireAbsentOr(disk, join(folder, name), content);
  for (const [name, content] of files) await writeAtomic(disk, join(folder, name), content);
}

/** Writes the tokenizer of a new run and then its record. If that fails, the tokenizer does not stay without a record. */
async function beginRecord(
  disk: Disk,
  folder: string,
  { record, ...kept }: { record: RunRecord; tokenizer: Tokenizer; study: StudyConfig },
): Promise<void> {
  const before = await disk.list(folder);
  try {
    await keepTokenizer(disk, folder, kept);
    await writeJson(disk, join(folder, FILES.record), record);
  } catch (cause) {
    // A record that got its place is that of a run, even if the folder could not be synced.
    const isBegun = await disk.stat(join(folder, FILES.record)).catch(() => true);
    const made = isBegun ? [] : [FILES.model, FILES.tokenizer].filter((name) => !before.includes(name));
    for (const name of made) await disk.remove(join(folder, name)).catch(() => {}); // It may not have been written.
    throw cause;
  }
}

/**
 * Prepares a run folder, or checks that it has exactly this study. Throws a UsageError if it has another study, and a
 * HymbaError if its tokenizer does not match its record.
 */
export async function prepare(disk: Disk, folder: string, given: Prepared): Promise<Preparation> {
  requireTensorCores(given);
  const { study, corpus } = given, kept = tokenizerPath(folder, study);
  const before = await readJson(disk, join(folder, FILES.record), { as: runRecordOf });
  const own = before !== undefined && await disk.stat(kept) !== undefined;
  const other = given.givenTokenizer ?? bytesWhere(study);
  const { tokenizer, sample } = own
    ? { tokenizer: await readTokenizer(disk, kept), sample: before.tokenizer.sampleCharacters }
    : await newTokenizer(disk, given, other);
  if (before && own) requireOwnTokenizer(kept, { hash: tokenizer.hash, recorded: before.tokenizer.sha256 });
  const tokens = await corpusTokens(disk, corpus, { tokenizer, rule: study, onProgress: given.onProgress });
  try {
    const about = { tokenizer: other?.tokenizer ?? tokenizer, source: other?.source, sample };
    const record = recordOf(given, about, tokens);
    if (before) requireSame(before, record, folder);
    else await beginRecord(disk, folder, { record, tokenizer, study });
    return { record: before ? { ...before, study } : record, tokenizer, tokens };
  } catch (error) {
    tokens.close?.();
    throw error;
  }
}

/** The tokenizer of a new run: the given one, else one that is trained on the text. */
async function newTokenizer(
  disk: Disk,
  { study, corpus }: Prepared,
  given: GivenTokenizer | undefined,
): Promise<{ tokenizer: Tokenizer; sample?: number }> {
  if (given || study.tokenizer !== undefined) {
    return { tokenizer: given?.tokenizer ?? await tokenizerFor(disk, "", study) };
  }
  const { text, sample } = await tokenizerSample(corpus, study);
  return { tokenizer: await tokenizerFor(disk, text, study), sample: sample?.characters };
}

/** The facts in the record about one text. */
const textFacts = ({ name, bytes, sha256, files }: Corpus) => ({ name, bytes, sha256, ...(files ? { files } : {}) });

/** The facts in the record about the texts of a study. */
function corpusFacts(corpus: Corpus, study: StudyConfig): RunRecord["corpus"] {
  const { licence, warning, separate = {} } = corpus;
  return {
    ...textFacts(corpus),
    name: nameOfPart(corpus.name, study),
    licence,
    ...(warning ? { warning } : {}),
    ...Object.fromEntries(Object.entries(separate).map(([part, text]) => [part, textFacts(text)])),
  };
}

function recordOf(
  { study, corpus, environment }: Prepared,
  { tokenizer, source, sample }: { tokenizer: Tokenizer; source?: string; sample?: number },
  tokens: TokenData,
): RunRecord {
  const { train, validation: held, test } = tokens, predicted = { tokens: predictedTokens(held), bytes: held.bytes };
  const { vocabSize: V } = study;
  return {
    format: 1,
    study,
    ...environment,
    corpus: corpusFacts(corpus, study),
    tokenizer: {
      sha256: tokenizer.hash,
      vocabSize: tokenizer.vocabSize,
      ...(source ? { source } : {}),
      ...(sample ? { sampleCharacters: sample } : {}),
    },
    data: {
      trainTokens: train.tokens.length,
      validationTokens: held.tokens.length,
      evaluatedTokens: predicted.tokens,
      evaluatedBytes: predicted.bytes,
      ...(test ? { testTokens: predictedTokens(test), testBytes: test.bytes } : {}),
      ...(train.tokens.length > COUNTED_TOKENS ? { countedTokens: COUNTED_TOKENS } : {}),
    },
    baselines: {
      unigram: qualityOf(unigramLoss({ train, held }, V), predicted),
      bigram: qualityOf(bigramLoss({ train, held }, V), predicted),
    },
    started: new Date().toISOString(),
  };
}

/** Throws a HymbaError where a study asks for tensor cores and the executor has not opened them: its bits would be others. */
function requireTensorCores({ study, environment: { adapter } }: Prepared): void {
  if (!study.tensorCores || adapter.tensorCores !== undefined) return;
  throw new HymbaError("the products of this study are made by tensor cores, and the executor has none open", {
    got: String(adapter.name),
    hint: "--tensor-cores off begins another study without them",
  });
}

/** A text without its list of files, which older records do not have. Its SHA-256 is that of all files. */
function withoutFiles({ files: _, validation, test, ...corpus }: RunRecord["corpus"]) {
  const own = (part: typeof validation) => part && { ...part, files: undefined };
  return { ...corpus, validation: own(validation), test: own(test) };
}

/** Throws a UsageError with the differences if a folder has another study. */
function requireSame(before: RunRecord, now: RunRecord, folder: string): void {
  const pick = ({ study, corpus, tokenizer: { sha256, vocabSize }, backend }: RunRecord) => {
    return { study, corpus: withoutFiles(corpus), tokenizer: { sha256, vocabSize }, backend };
  };
  const shown = differences(pick(before), pick(now), { words: ["there", "now"] });
  if (shown.length === 0) return;
  throw new UsageError(`${folder} holds another study`, {
    got: shown.join("\n            "),
    hint: "repeat the first command to continue it, or choose another folder with --out",
  });
}
