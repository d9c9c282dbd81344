/** The tokens of a corpus. A text in memory is encoded at once; a larger one is encoded into a file, once. */
import { UsageError } from "../errors.ts";
import type { Disk } from "../disk/mod.ts";
import { at } from "../lists.ts";
import type { Tokenizer } from "../tokenizer/mod.ts";
import { type Corpus, wholeText } from "./corpus.ts";
import type { TokenData } from "./parts.ts";
import { piecesOfText, sourcesOf } from "./pieces_of_text.ts";
import { cutAt } from "./split.ts";
import { type DataRule, studyTokens, tokenizerText } from "./study_data.ts";
import { tokenFiles } from "./token_files.ts";

/** Most characters that a tokenizer is trained on. Of a longer training part it gets this many excerpts, evenly spaced. */
const SAMPLE = 2 ** 23, EXCERPTS = 64;

const isHeld = ({ text, separate }: Corpus): boolean =>
  text !== undefined && Object.values(separate ?? {}).every((other) => isHeld(other));

/** The text that a tokenizer is trained on. */
export interface TokenizerText {
  readonly text: string;
  /** If the text is a sample: characters of the sample and of the whole training part. */
  readonly sample?: { readonly characters: number; readonly of: number };
}

/** The training text of the tokenizer: the whole training part, or a sample of a long one. */
export async function tokenizerSample(corpus: Corpus, rule: DataRule): Promise<TokenizerText> {
  if (isHeld(corpus)) return { text: tokenizerText(wholeText(corpus, "its tokenizer"), rule) };
  requireStreamable(corpus, rule);
  const source = at(sourcesOf(corpus, rule), 0), train = source.pieces.map(({ part }) => part === "train");
  const of = source.pieces.reduce((sum, { start, end }, i) => train[i] ? sum + end - start : sum, 0);
  const count = of <= SAMPLE ? 1 : EXCERPTS, length = Math.min(of, SAMPLE) / count, found: string[] = [];
  let before = 0, characters = 0;
  for await (const { piece, text } of piecesOfText(source)) {
    if (!train[piece]) continue;
    for (let i = 0; i < count; i++) {
      const start = Math.floor(i * of / count) - before, end = start + length;
      if (start >= text.length || end <= 0) continue;
      const taken = text.slice(cutAt(text, Math.max(0, start)), cutAt(text, Math.min(text.length, end)));
      found.push(taken);
      characters += taken.length;
    }
    before += text.length;
  }
  return { text: found.join("\n"), ...(count > 1 ? { sample: { characters, of } } : {}) };
}

function requireStreamable(corpus: Corpus, { profile }: DataRule): void {
  if (profile === "seed") wholeText(corpus, "the profile seed, which shuffles the tokens of a whole text");
}

/**
 * All parts as tokens. The tokens of a text that is too large for memory are made once and kept in the cache folder. Throws
 * UsageError when a part is too short for sequences of T tokens.
 */
export async function corpusTokens(
  disk: Disk,
  corpus: Corpus,
  { tokenizer, rule, onProgress }: { tokenizer: Tokenizer; rule: DataRule; onProgress?: (line: string) => void },
): Promise<TokenData> {
  const { separate = {} } = corpus;
  for (const name of ["validation", "test"] as const) {
    if ((rule.split?.separate?.includes(name) ?? false) === (separate[name] !== undefined)) continue;
    throw new UsageError(`the ${name} text of the study is ${separate[name] ? "not expected" : "missing"}`, {
      hint: `give the file of the study with --${name}-data FILE`,
    });
  }
  if (isHeld(corpus)) {
    const texts = Object.fromEntries(Object.entries(separate).map(([name, one]) => [name, wholeText(one, "a part")]));
    return studyTokens(wholeText(corpus, "its tokens"), tokenizer, { ...rule, texts });
  }
  requireStreamable(corpus, rule);
  return await tokenFiles(disk, { corpus, sources: sourcesOf(corpus, rule), tokenizer, rule, onProgress });
}
