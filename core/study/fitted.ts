/** Fits a study and its tokenizer to the text: the vocabulary of a preset can be larger than a small text supports. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import type { Corpus } from "../data/corpus.ts";
import { tokenizerSample } from "../data/corpus_tokens.ts";
import { cacheFolder } from "../disk/cache_folder.ts";
import { type Disk, makeFolders, sha256, writeShared } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { byteTokenizer, fitNotes, fitTokenizer, type Tokenizer } from "../tokenizer/mod.ts";
import { readTokenizer } from "../record/mod.ts";
import { withSteps } from "./lengths.ts";
import { ofOneBudget } from "./match.ts";

/** A given tokenizer, not trained on the study's text. */
export interface GivenTokenizer {
  readonly tokenizer: Tokenizer;
  /** Its name in the run record: the name of its file, or "bytes". */
  readonly source: string;
}

/** The byte tokenizer, if the study uses it. */
export const bytesWhere = ({ tokenizer }: Pick<StudyConfig, "tokenizer">): GivenTokenizer | undefined =>
  tokenizer === "bytes" ? { tokenizer: byteTokenizer(), source: "bytes" } : undefined;

/** The tokenizer that is trained on a study's text, or the cached one for the same text and size. */
export async function tokenizerFor(
  disk: Disk,
  text: string,
  { vocabSize, profile, tokenizer }: Pick<StudyConfig, "vocabSize" | "profile" | "tokenizer">,
): Promise<Tokenizer> {
  if (tokenizer !== undefined) {
    throw new HymbaError("the study uses a given tokenizer, which is missing", {
      hint: "put its file back into the run's folder, or name it again with --tokenizer FILE",
    });
  }
  const kind = profile === undefined ? "unigram 1" : `${profile} 1`;
  const key = sha256(new TextEncoder().encode(`${kind} ${vocabSize}\n${text}`)).slice(0, 32);
  const folder = join(cacheFolder(), "tokenizers"), path = join(folder, profile ? `${key}.json` : `${key}.model`);
  if (await disk.stat(path)) return await readTokenizer(disk, path);
  const made = fitTokenizer(text, { vocabSize, profile });
  await makeFolders(disk, folder);
  await writeShared(disk, path, profile ? made.toJson() : made.toModelBytes());
  return made;
}

/** The study with a vocabulary of another size. */
function withVocabulary(study: StudyConfig, vocabSize: number): StudyConfig {
  if (vocabSize === study.vocabSize) return study;
  const arms = study.arms.map((arm) => ({ ...arm, config: arm.config.with({ vocabSize }) }));
  return { ...study, vocabSize, arms };
}

/**
 * The study with all lengths in steps and with the size of its vocabulary: that of the given tokenizer, else the largest that
 * the text supports up to the study's own. `say` gets a line for each difference from the request.
 */
export async function fittedStudy(
  disk: Disk,
  study: StudyConfig,
  { corpus, given = bytesWhere(study), say }: {
    corpus: Corpus;
    given?: GivenTokenizer;
    say: (line: string) => void;
  },
): Promise<StudyConfig> {
  if (given) {
    const { tokenizer, source } = given, { vocabSize, hasModel } = tokenizer;
    say(`tokenizer ${source}: ${vocabSize} tokens`);
    const own = { ...study, tokenizer: study.tokenizer ?? (hasModel ? "model" as const : "json" as const) };
    return ofOneBudget(await withSteps(disk, withVocabulary(own, vocabSize), { corpus, tokenizer, say }));
  }
  // A continued run already has its tokenizer, vocabulary size and steps.
  if (study.tokenizer !== undefined) return study;
  const { text, sample } = await tokenizerSample(corpus, study), tokenizer = await tokenizerFor(disk, text, study);
  if (sample) {
    say(
      `the tokenizer is trained on a sample: ${sample.characters} of ${sample.of} characters, spread over the training part`,
    );
  }
  for (const note of fitNotes(tokenizer, text, study)) say(note);
  const fitted = withVocabulary(study, tokenizer.vocabSize);
  return ofOneBudget(await withSteps(disk, fitted, { corpus, tokenizer, say }));
}
