/** A study and its tokenizer, fitted to the text: the vocabulary of a preset may be larger than a small text supports. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import { tokenizerText } from "../data/study_data.ts";
import { cacheFolder } from "../disk/cache_folder.ts";
import { type Disk, makeFolders, sha256, writeAtomic } from "../disk/mod.ts";
import { fitNotes, fitTokenizer, type Tokenizer } from "../tokenizer/mod.ts";
import { readTokenizer } from "../record/mod.ts";
import { ofOneBudget } from "./match.ts";

/** The tokenizer of a study's text, or the one that the same text and size made before. */
export async function tokenizerFor(
  disk: Disk,
  text: string,
  { vocabSize, profile }: Pick<StudyConfig, "vocabSize" | "profile">,
): Promise<Tokenizer> {
  const kind = profile === undefined ? "unigram 1" : `${profile} 1`;
  const key = sha256(new TextEncoder().encode(`${kind} ${vocabSize}\n${text}`)).slice(0, 32);
  const folder = join(cacheFolder(), "tokenizers"), path = join(folder, profile ? `${key}.json` : `${key}.model`);
  if (await disk.stat(path)) return await readTokenizer(disk, path);
  const made = fitTokenizer(text, { vocabSize, profile });
  await makeFolders(disk, folder);
  await writeAtomic(disk, path, profile ? made.toJson() : made.toModelBytes());
  return made;
}

/** The study with the vocabulary that its text supports, at most its own. `say` is told what differs from what was asked. */
export async function fittedStudy(
  disk: Disk,
  study: StudyConfig,
  { text, say }: { text: string; say: (line: string) => void },
): Promise<StudyConfig> {
  const own = tokenizerText(text, study), tokenizer = await tokenizerFor(disk, own, study), { vocabSize } = tokenizer;
  for (const note of fitNotes(tokenizer, own, study)) say(note);
  if (vocabSize === study.vocabSize) return study;
  const arms = study.arms.map((arm) => ({ ...arm, config: arm.config.with({ vocabSize }) }));
  // The output head of a smaller vocabulary needs fewer operations.
  return ofOneBudget({ ...study, vocabSize, arms });
}
