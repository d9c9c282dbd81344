/**
 * Byte fallback for clients that lack it. `@huggingface/tokenizers` ignores `byte_fallback` of a Unigram model, and no
 * normaliser can write only the unknown characters as bytes. But both clients have the pre-tokenizer `ByteLevel`, which writes
 * every byte as one character. If the vocabulary is written in the same way, no fallback is needed: the piece of byte b is the
 * character that stands for b.
 *
 * An unknown character must have the same score as in SentencePiece, whatever its number of bytes. So its first byte has the
 * whole score and the other bytes have 0. Known characters have better scores as pieces, so their bytes are never chosen.
 */
import { BYTE_CHARACTERS, fromByteCharacters, toByteCharacters } from "../byte_level.ts";
import { SPACE_MARK, textOf } from "../bytes.ts";
import type { ModelFile } from "../model_file.ts";
import { bytePiece, type Piece, PieceType, unknownScoreOf } from "../vocabulary.ts";

const isText = ({ type }: Piece) => type === PieceType.normal || type === PieceType.unused;
const continues = (byte: number) => byte >= 0x80 && byte < 0xc0;

/** Whether the decoder `ByteLevel` leaves a name unchanged. */
function isUnchanged(name: string): boolean {
  const bytes = fromByteCharacters(name);
  return bytes === undefined || textOf(bytes) === name;
}

/**
 * The vocabulary of a model with byte fallback, each piece written byte by byte. Undefined when the model has no byte
 * fallback, or when two pieces would get the same name.
 */
export function byteLevelVocabulary({ pieces, trainer }: ModelFile): [string, number][] | undefined {
  if (!trainer.byteFallback) return undefined;
  const ofBytes = pieces.filter(({ type }) => type === PieceType.byte);
  if (ofBytes.length !== 256 || ofBytes.some(({ score }) => score !== 0)) return undefined;
  const names = pieces.filter((entry) => !isText(entry) && entry.type !== PieceType.byte).map(({ piece }) => piece);
  if (![...names, trainer.unknownSurface].every(isUnchanged)) return undefined;
  const taken = new Set([...names, ...pieces.filter(isText).map(({ piece }) => toByteCharacters(piece))]);
  const unknown = unknownScoreOf(pieces);
  const entries = pieces.map((entry): [string, number] => {
    const { piece, score, type } = entry;
    if (type !== PieceType.byte) return [isText(entry) ? toByteCharacters(piece) : piece, score];
    const byte = parseInt(piece.slice(3, 5), 16), character = BYTE_CHARACTERS[byte] ?? "";
    // A byte that is itself a known character is never needed as a fallback, so its piece keeps its name.
    return [taken.has(character) ? piece : character, continues(byte) ? 0 : unknown];
  });
  return new Set(entries.map(([name]) => name)).size === entries.length ? entries : undefined;
}

/** The inverse: the original pieces, with byte pieces. Undefined when a byte has no piece. */
export function originalPieces(pieces: readonly Piece[]): Piece[] | undefined {
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id])), byteOf = new Map<number, number>();
  for (const [byte, character] of BYTE_CHARACTERS.entries()) {
    const id = ids.get(bytePiece(byte)) ?? ids.get(character);
    if (id === undefined) return undefined;
    byteOf.set(id, byte);
  }
  return pieces.map((entry, id) => {
    const byte = byteOf.get(id);
    if (byte !== undefined) return { piece: bytePiece(byte), score: 0, type: PieceType.byte };
    const bytes = entry.type === PieceType.normal ? fromByteCharacters(entry.piece) : undefined;
    return bytes ? { ...entry, piece: textOf(bytes) } : entry;
  });
}

/**
 * The decoder step that turns U+2581 into a space. It comes before the bytes are joined, because a U+2581 of single byte
 * tokens is not a space.
 */
export const byteLevelMark = { from: toByteCharacters(SPACE_MARK), to: toByteCharacters(" ") } as const;
