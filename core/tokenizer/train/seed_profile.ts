/**
 * The tokenizer of the study that this project rebuilds: NFKC, lower case, words and runs of punctuation, spaces and newlines
 * thrown away. It is lossy, so its results cannot be compared with others; it is here to reproduce that study's numbers.
 * Trained as Hugging Face tokenizers train (their `UnigramTrainer`), written as their `tokenizer.json`.
 */
import { UsageError } from "../../errors.ts";
import { Tokenizer } from "../tokenizer.ts";
import { alphabetOf } from "./corpus.ts";
import { trainPieces } from "./unigram.ts";

const UNKNOWN = "<|unk|>", LONGEST = 16;
const NORMALIZER = { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] };

/** Trains the study's lossy tokenizer. @throws {UsageError} when the text does not allow `vocabSize` pieces. */
export function trainSeedTokenizer(text: string, { vocabSize = 4000 } = {}): Tokenizer {
  const counts = new Map<string, number>();
  // An untrained tokenizer of the same kind cuts the text, so that training and use cannot differ.
  const cutter = Tokenizer.fromJson(tokenizerJson([]), { name: "seed profile" });
  for (const bytes of cutter.pipeline.normalise(new TextEncoder().encode(text))) {
    const word = new TextDecoder().decode(bytes);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => ({ text: `${word}\0`, count })).sort((a, b) =>
    a.text < b.text ? -1 : 1
  );
  const { letters: alphabet } = alphabetOf(words, 1), room = vocabSize - 1;
  if (room < alphabet.length) {
    throw new UsageError("seed tokenizer: the vocabulary cannot hold the characters of the text", {
      expected: `at least ${alphabet.length + 1}`,
      got: `${vocabSize}`,
    });
  }
  const rules = { seedWeight: "words", lastCut: "loss" } as const;
  const task = { alphabet, vocabSize, room, fills: false, longest: LONGEST, rules, onProgress: undefined };
  const pieces = trainPieces(words, task);
  if (pieces.length < room) {
    throw new UsageError("seed tokenizer: the text is too small for this vocabulary", {
      expected: `at most ${pieces.length + 1}`,
      got: `${vocabSize}`,
    });
  }
  return Tokenizer.fromJson(tokenizerJson(pieces), { name: "seed profile" });
}

function tokenizerJson(pieces: readonly { piece: string; score: number }[]): string {
  const unknown = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: UNKNOWN, ...unknown }],
    normalizer: NORMALIZER,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [[UNKNOWN, 0], ...pieces.map(({ piece, score }) => [piece, score])],
      byte_fallback: false,
    },
  });
}
