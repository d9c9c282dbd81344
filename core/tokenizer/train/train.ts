/** Training of a Unigram tokenizer. Source: SentencePiece, `unigram_model_trainer.cc`; differences are in docs/tokenizer.md. */
import { UsageError } from "../../errors.ts";
import { MARK_ESCAPE } from "../mark_escape.ts";
import { DEFAULT_TRAINER, type TrainerSpec } from "../model_file.ts";
import type { NormalizerSpec } from "../normalizer.ts";
import { Tokenizer } from "../tokenizer.ts";
import { SPECIAL, symbolPieces } from "./symbols.ts";
import { bytePiece, type Piece, PieceType } from "../vocabulary.ts";
import { type Alphabet, alphabetOf, type CountedWord, coverageOf, fittingAlphabet, WordCounts } from "./word_counts.ts";
import { type Normalization, normalizationCharsmap } from "./normalization.ts";
import { type ScoredPiece, SENTENCEPIECE_RULES, trainPieces, type TrainProgress } from "./unigram.ts";

/** How to train. The defaults make a lossless tokenizer: decoding gives back every text. */
export interface TrainOptions {
  /** Number of ids, special tokens and byte pieces included. */
  vocabSize: number;
  /**
   * "exact" (default): exactly that many ids. If the text has too few useful pieces, rarely used pieces fill the rest. "most":
   * fewer ids when the text has too few useful pieces.
   */
  size?: "exact" | "most";
  /** Encode characters outside the alphabet as bytes. Default true. */
  byteFallback?: boolean;
  /**
   * Share of the text's characters that must be pieces. Default 1. With byte fallback the default is lower if the vocabulary
   * cannot hold all characters: the rare ones become bytes.
   */
  characterCoverage?: number;
  /** Default "lossless": the identity, with U+2581 escaped so that it does not come back as a space. */
  normalization?: Normalization;
  /** Texts that are always one token. Default: the newline. */
  userDefinedSymbols?: readonly string[];
  /** Put a space before every text. Default false. */
  addDummyPrefix?: boolean;
  /** Drop leading, trailing and repeated spaces. Default false. */
  removeExtraWhitespaces?: boolean;
  /** Longest piece in characters. Default 16. */
  maxPieceLength?: number;
  /** Called after every round. */
  onProgress?: (progress: TrainProgress) => void;
}

interface Settings extends Required<Omit<TrainOptions, "onProgress" | "characterCoverage">> {
  characterCoverage: number | undefined;
  onProgress: ((progress: TrainProgress) => void) | undefined;
}

function settle(options: TrainOptions): Settings {
  const settings: Settings = {
    size: "exact",
    byteFallback: true,
    characterCoverage: undefined,
    normalization: "lossless",
    userDefinedSymbols: ["\n"],
    addDummyPrefix: false,
    removeExtraWhitespaces: false,
    maxPieceLength: DEFAULT_TRAINER.maxPieceLength,
    onProgress: undefined,
    ...options,
  };
  const { vocabSize, characterCoverage, maxPieceLength } = settings;
  const check = (ok: boolean, what: string, [expected, got]: [string, unknown]) => {
    if (!ok) throw new UsageError(`tokenizer training: ${what}`, { expected, got: JSON.stringify(got) });
  };
  check(Number.isInteger(vocabSize) && vocabSize > 0, "vocabulary size", ["a whole number above 0", vocabSize]);
  const share = characterCoverage === undefined || characterCoverage > 0 && characterCoverage <= 1;
  check(share, "character coverage", ["above 0, at most 1", characterCoverage]);
  const whole = Number.isInteger(maxPieceLength) && maxPieceLength >= 1 && maxPieceLength <= 200;
  check(whole, "longest piece", ["1 to 200 characters", maxPieceLength]);
  return settings;
}

/** Reads a corpus part by part and trains on it, without keeping the text. */
export class TokenizerTrainer {
  readonly #settings: Settings;
  readonly #normalizer: NormalizerSpec;
  readonly #counts: WordCounts;
  readonly #symbols: readonly Piece[];

  /** @throws {UsageError} on settings out of range. */
  constructor(options: TrainOptions) {
    this.#settings = settle(options);
    const { normalization, addDummyPrefix, removeExtraWhitespaces, userDefinedSymbols } = this.#settings;
    this.#normalizer = {
      name: normalization,
      charsmap: normalizationCharsmap(normalization),
      addDummyPrefix,
      removeExtraWhitespaces,
      escapeWhitespaces: true,
    };
    this.#symbols = symbolPieces(userDefinedSymbols, this.#normalizer);
    this.#counts = new WordCounts(this.#normalizer, { symbols: this.#symbols, name: normalization });
  }

  /** Adds whole lines of text. @throws {UsageError} when a line is too long. */
  addText(text: string): void {
    this.#counts.addText(text);
  }

  /** Trains. @throws {UsageError} when the vocabulary is too small for the alphabet or too large for the text. */
  finish(): Tokenizer {
    const settings = this.#settings, words = this.#counts.words();
    if (words.length === 0) {
      throw new UsageError("tokenizer training: the text is empty", { expected: "at least one word" });
    }
    const special = specialPieces(this.#symbols, settings), room = settings.vocabSize - special.length;
    const { letters: alphabet, spare } = this.#alphabet(words, room);
    if (room < alphabet.length) throw tooSmall(settings, { special: special.length, alphabet: alphabet.length });
    const { vocabSize, maxPieceLength: longest, onProgress } = settings, fills = settings.size === "exact";
    const rules = SENTENCEPIECE_RULES, reserved = new Set(special.map(({ piece }) => piece));
    const task = { alphabet, spare, vocabSize, room, fills, longest, rules, reserved, onProgress };
    const trained = trainPieces(words, task);
    const pieces = [...special, ...trained.map(normalPiece)];
    if (fills && pieces.length < vocabSize) throw tooLarge(vocabSize, pieces.length);
    return this.#assemble(pieces, settings.characterCoverage ?? (spare.length === 0 ? 1 : coverageOf(words, trained)));
  }

  #alphabet(words: readonly CountedWord[], room: number): Alphabet {
    const { byteFallback, characterCoverage } = this.#settings;
    return characterCoverage === undefined && byteFallback
      ? fittingAlphabet(words, room)
      : alphabetOf(words, characterCoverage ?? 1);
  }

  #assemble(pieces: Piece[], characterCoverage: number): Tokenizer {
    const { byteFallback, maxPieceLength } = this.#settings;
    const trainer: TrainerSpec = {
      ...DEFAULT_TRAINER,
      vocabSize: pieces.length,
      byteFallback,
      characterCoverage,
      maxPieceLength,
      userDefinedSymbols: this.#symbols.map(({ piece }) => piece),
    };
    const lossless = this.#normalizer.name === "lossless";
    const denormalizer = lossless ? MARK_ESCAPE.denormalizer : undefined;
    const file = { pieces, trainer, normalizer: this.#normalizer, denormalizer };
    return Tokenizer.fromModelFile(file, { name: "trained tokenizer" });
  }
}

/** Trains a tokenizer on texts. No piece crosses the end of a line. @throws {UsageError} on settings that cannot be met. */
export function trainTokenizer(text: string | readonly string[], options: TrainOptions): Tokenizer {
  const trainer = new TokenizerTrainer(options);
  for (const part of typeof text === "string" ? [text] : text) trainer.addText(part);
  return trainer.finish();
}

/**
 * A trained piece, its score rounded to a multiple of 1/1024. Sums of such scores are exact in 32-bit floats down to -16,384,
 * so equal segmentations tie in SentencePiece (32 bits) and Hugging Face tokenizers (64 bits) alike, and both choose the same
 * one.
 */
function normalPiece({ piece, score }: ScoredPiece): Piece {
  return { piece, score: Math.round(score * 1024) / 1024, type: PieceType.normal };
}

function specialPieces(symbols: readonly Piece[], { byteFallback }: Settings): Piece[] {
  const pieces: Piece[] = SPECIAL.map((piece, i) => {
    return { piece, score: 0, type: i === 0 ? PieceType.unknown : PieceType.control };
  });
  pieces.push(...symbols);
  for (let byte = 0; byteFallback && byte < 256; byte++) {
    pieces.push({ piece: bytePiece(byte), score: 0, type: PieceType.byte });
  }
  return pieces;
}

function tooSmall(settings: Settings, { special, alphabet }: { special: number; alphabet: number }): UsageError {
  const bytes = settings.byteFallback ? ", 256 byte pieces among them" : "";
  return new UsageError("tokenizer training: the vocabulary cannot hold the characters of the text", {
    expected: `at least ${special + alphabet}: ${special} special pieces${bytes}, and ${alphabet} characters`,
    got: `a vocabulary of ${settings.vocabSize}`,
    hint: "raise the vocabulary size or lower the character coverage",
  });
}

function tooLarge(wanted: number, most: number): UsageError {
  return new UsageError("tokenizer training: the text is too small for this vocabulary", {
    expected: `at most ${most}`,
    got: `a vocabulary of ${wanted}`,
    hint: "lower the vocabulary size or train on more text",
  });
}
