/** Texts that are in a study twice: in two parts they are refused, in one part there is a warning. */
import { basename } from "node:path";
import { UsageError } from "../errors.ts";
import type { Corpus } from "./corpus.ts";
import type { TextFile } from "./large_text.ts";

const filesOf = ({ files, path, bytes, sha256 }: Corpus): readonly TextFile[] =>
  files ?? [{ name: basename(path), bytes, sha256 }];

const KEYS = { text: "data.files", validation: "data.validationFiles", test: "data.testFiles" } as const;

/** Throws a UsageError if two parts share a text: the model would be trained on what it is judged by. */
function requireApart(texts: readonly (readonly [key: string, files: readonly TextFile[]])[]): void {
  const seen = new Map<string, { readonly key: string; readonly name: string }>();
  for (const [key, files] of texts) {
    for (const { name, sha256 } of files) {
      const other = seen.get(sha256);
      if (other && other.key !== key) {
        throw new UsageError(`a text is in ${other.key} and in ${key}`, {
          expected: "other texts for training, validation and test",
          got: other.name === name ? name : `${other.name} and ${name}, which have the same bytes`,
          hint: `remove it from one of them; a pattern such as texts/* also matches the files of ${key}`,
        });
      }
      seen.set(sha256, { key, name });
    }
  }
}

/** A sentence about the first text that is there twice within the files of one part. */
function repeatedIn(key: string, files: readonly TextFile[]): string | undefined {
  const seen = new Map<string, string>();
  for (const { name, sha256 } of files) {
    const other = seen.get(sha256);
    if (other !== undefined) {
      const which = other === name ? `${name} is there twice` : `${other} and ${name} have the same bytes`;
      return `In ${key}, ${which}. A part that is cut from these files can have text that the models are trained on.`;
    }
    seen.set(sha256, name);
  }
  return undefined;
}

/**
 * The corpus, with a warning if a file of it is there twice. Files are compared by their bytes, so links and copies count.
 * Throws a UsageError if two of training, validation and test have the same file.
 */
export function withDistinctTexts(corpus: Corpus): Corpus {
  const { validation, test } = corpus.separate ?? {};
  const texts = [[KEYS.text, corpus], [KEYS.validation, validation], [KEYS.test, test]] as const;
  requireApart(texts.flatMap(([key, text]) => text ? [[key, filesOf(text)] as const] : []));
  const repeated = repeatedIn(KEYS.text, filesOf(corpus));
  if (repeated === undefined) return corpus;
  return { ...corpus, warning: [corpus.warning, repeated].filter((words) => words !== undefined).join(" ") };
}
