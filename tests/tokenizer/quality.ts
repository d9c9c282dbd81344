/** How well a Unigram model fits a text; the same figures for any tokenizer, so two can be compared. */
import { compareBytes, utf8 } from "../../core/tokenizer/bytes.ts";
import { insideOf, PieceType, type Tokenizer } from "../../core/tokenizer/mod.ts";
import { Lattice } from "../../core/tokenizer/train/word_lattice.ts";
import { Lexicon } from "../../core/tokenizer/train/lexicon.ts";

/**
 * Natural logarithm of the probability of the text's non-empty lines, summed over all segmentations, for each character.
 * Every character of the text must be a piece.
 */
export function logLikelihoodPerCharacter(tokenizer: Tokenizer, text: string): number {
  const pieces = tokenizer.pieces.filter(({ type }) => type === PieceType.normal)
    .map(({ piece, score }) => ({ bytes: utf8(piece), score })).sort((a, b) => compareBytes(a.bytes, b.bytes));
  const lexicon = new Lexicon(pieces.map(({ bytes }) => bytes), Float64Array.from(pieces, ({ score }) => score));
  const lattice = new Lattice(lexicon), counts = new Float64Array(pieces.length);
  let sum = 0, characters = 0;
  for (const line of text.split("\n").filter((line) => line.length > 0)) {
    const bytes = insideOf(tokenizer).pipeline.normalise(utf8(line))[0]!;
    lattice.read(bytes, { begin: 0, end: bytes.length });
    sum += lattice.expect(counts, { length: bytes.length, count: 1 });
    characters += line.length;
  }
  return sum / characters;
}
