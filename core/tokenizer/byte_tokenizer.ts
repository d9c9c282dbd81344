/** A tokenizer without training: the bytes of UTF-8. */
import { MARK_ESCAPE } from "./mark_escape.ts";
import { DEFAULT_TRAINER } from "./model_file.ts";
import { SPACE_MARK } from "./bytes.ts";
import { Tokenizer } from "./tokenizer.ts";
import { SPECIAL } from "./train/symbols.ts";
import { bytePiece, type Piece, PieceType } from "./vocabulary.ts";

/**
 * One token for each byte of UTF-8, so that it encodes any text. The space has a piece of its own instead of a byte, because
 * both file formats write it as U+2581, which has three bytes.
 */
export function byteTokenizer(): Tokenizer {
  const pieces: Piece[] = SPECIAL.map((piece, i) => {
    return { piece, score: 0, type: i === 0 ? PieceType.unknown : PieceType.control };
  });
  for (let byte = 0; byte < 256; byte++) pieces.push({ piece: bytePiece(byte), score: 0, type: PieceType.byte });
  pieces.push({ piece: SPACE_MARK, score: -1, type: PieceType.normal });
  return Tokenizer.fromModelFile({
    pieces,
    trainer: { ...DEFAULT_TRAINER, vocabSize: pieces.length, byteFallback: true, characterCoverage: 1 },
    normalizer: {
      name: "lossless",
      charsmap: MARK_ESCAPE.charsmap,
      addDummyPrefix: false,
      removeExtraWhitespaces: false,
      escapeWhitespaces: true,
    },
    denormalizer: MARK_ESCAPE.denormalizer,
  }, { name: "bytes" });
}
