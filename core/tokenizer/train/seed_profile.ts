/**
 * The tokenizer of the study that this project rebuilds: NFKC, lower case, words and runs of punctuation; spaces and newlines
 * are removed. It is lossy, so its results cannot be compared with others. It reproduces the numbers of that study. It is trained
 * as by Hugging Face's `UnigramTrainer` and written as their `tokenizer.json`.
 */
import { UsageError } from "../../errors.ts";
import { insideOf, Tokenizer } from "../tokenizer.ts";
import { alphabetOf, type CountedWord, fittingAlphabet } from "./word_counts.ts";
import { trainPieces } from "./unigram.ts";

const UNKNOWN = "<|unk|>", LONGEST = 16;
const NORMALIZER = { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] };

/** How the study's tokenizer is trained. */
export interface SeedTrainOptions {
  /** Number of ids. Default 4000. */
  vocabSize?: number;
  /** "exact" (default), or "most": fewer ids for a small text, and no pieces for rare characters where not all fit. */
  size?: "exact" | "most";
}

/** Trains the study's lossy tokenizer. @throws {UsageError} when the text does not allow exactly `vocabSize` pieces. */
export function trainSeedTokenizer(
  text: string,
  { vocabSize = 4000, size = "exact" }: SeedTrainOptions = {},
): Tokenizer {
  const words = wordsOf(text), room = vocabSize - 1;
  const { letters: alphabet, spare } = size === "most" ? fittingAlphabet(words, room) : alphabetOf(words, 1);
  if (room < alphabet.length) {
    throw new UsageError("seed tokenizer: the vocabulary cannot hold the characters of the text", {
      expected: `at least ${alphabet.length + 1}`,
      got: `${vocabSize}`,
    });
  }
  const rules = { seedWeight: "words", lastCut: "loss" } as const;
  const how = { fills: false, longest: LONGEST, rules, reserved: new Set([UNKNOWN]), onProgress: undefined };
  const task = { alphabet, spare, vocabSize, room, ...how };
  const pieces = trainPieces(words, task);
  if (size === "exact" && pieces.length < room) {
    throw new UsageError("seed tokenizer: the text is too small for this vocabulary", {
      expected: `at most ${pieces.length + 1}`,
      got: `${vocabSize}`,
    });
  }
  return Tokenizer.fromJson(tokenizerJson(pieces), { name: "seed profile" });
}

/** Every word once. An untrained tokenizer with the same settings cuts the text, so that training and use cannot differ. */
function wordsOf(text: string): CountedWord[] {
  const counts = new Map<string, number>();
  const cutter = Tokenizer.fromJson(tokenizerJson([]), { name: "seed profile" });
  for (const bytes of insideOf(cutter).pipeline.normalise(new TextEncoder().encode(text))) {
    const word = new TextDecoder().decode(bytes);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) {
    throw new UsageError("seed tokenizer: the text is empty", { expected: "at least one word" });
  }
  return [...counts].map(([word, count]) => ({ text: `${word}\0`, count })).sort((a, b) => a.text < b.text ? -1 : 1);
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
