/** A tokenizer for a study of any text: of the wanted size, or of the largest size that the text supports. */
import { insideOf, type Tokenizer } from "../tokenizer.ts";
import { PieceType } from "../vocabulary.ts";
import { trainSeedTokenizer } from "./seed_profile.ts";
import { trainTokenizer } from "./train.ts";

/** The tokenizer that a study asks for. */
export interface WantedTokenizer {
  /** Most ids. */
  vocabSize: number;
  /** `seed`: the documented study's lossy tokenizer. */
  profile?: "seed";
}

/**
 * Trains on a text. Rare characters become bytes where the vocabulary cannot hold all characters (unknown tokens with the seed
 * profile). A small or repetitive text gets fewer ids. @throws {UsageError} when the text is empty.
 */
export const fitTokenizer = (text: string, { vocabSize, profile }: WantedTokenizer): Tokenizer =>
  profile === "seed"
    ? trainSeedTokenizer(text, { vocabSize, size: "most" })
    : trainTokenizer(text, { vocabSize, size: "most" });

/** Notes for the user about a study's tokenizer. None if it has the wanted size and all characters of the text. */
export function fitNotes(tokenizer: Tokenizer, text: string, { vocabSize, profile }: WantedTokenizer): string[] {
  const notes: string[] = [], own = tokenizer.vocabSize;
  if (own < vocabSize) {
    notes.push(`the text is small or repetitive: its vocabulary has ${own} tokens instead of ${vocabSize}`);
  }
  const lossy = profile === "seed", coverage = lossy ? knownShare(tokenizer, text) : tokenizer.characterCoverage;
  if (coverage < 1) {
    const percent = Math.min(99.99, 100 * coverage).toFixed(2);
    notes.push(
      `character coverage ${percent} %: the vocabulary of ${own} tokens cannot hold all characters of the text, so the rare ones become ${
        lossy ? "unknown tokens" : "bytes"
      }`,
    );
  }
  return notes;
}

/** The share of a text's characters that do not become unknown tokens. */
function knownShare(tokenizer: Tokenizer, text: string): number {
  const { vocabulary } = insideOf(tokenizer);
  let characters = 0, unknown = 0;
  for (const _ of text) characters++;
  for (const id of tokenizer.encode(text)) unknown += Number(vocabulary.typeOf(id) === PieceType.unknown);
  return 1 - unknown / Math.max(1, characters);
}
