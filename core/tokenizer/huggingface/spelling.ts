/**
 * Byte fallback by spelling. `@huggingface/tokenizers` never reads `byte_fallback` of a Unigram model, and no normaliser can write
 * an unknown character in bytes. The pre-tokenizer `ByteLevel`, which both clients have, writes everything in bytes. A vocabulary
 * that is written in the same way needs no fallback: the piece of byte b is the one character that stands for b.
 *
 * An unknown character must cost what it costs SentencePiece, whatever its length: its first byte carries the whole score,
 * bytes that follow carry 0. Known characters cost less as pieces, so their bytes are never chosen.
 */
import { BYTE_CHARACTERS, byteSpelt, bytesSpelt } from "../byte_level.ts";
import { SPACE_MARK, textOf } from "../bytes.ts";
import type { ModelFile } from "../model_file.ts";
import { bytePiece, type Piece, PieceType, unknownScoreOf } from "../vocabulary.ts";

const isText = ({ type }: Piece) => type === PieceType.normal || type === PieceType.unused;
const continues = (byte: number) => byte >= 0x80 && byte < 0xc0;

/** Whether `ByteLevel` does not change a name when it decodes. */
function staysItself(name: string): boolean {
  const bytes = bytesSpelt(name);
  return bytes === undefined || textOf(bytes) === name;
}

/**
 * The vocabulary of a model with byte fallback, spelt in bytes; undefined where the model has none or where a name would be
 * taken for another.
 */
export function speltVocabulary({ pieces, trainer }: ModelFile): [string, number][] | undefined {
  if (!trainer.byteFallback) return undefined;
  const ofBytes = pieces.filter(({ type }) => type === PieceType.byte);
  if (ofBytes.length !== 256 || ofBytes.some(({ score }) => score !== 0)) return undefined;
  const names = pieces.filter((entry) => !isText(entry) && entry.type !== PieceType.byte).map(({ piece }) => piece);
  if (![...names, trainer.unknownSurface].every(staysItself)) return undefined;
  const taken = new Set([...names, ...pieces.filter(isText).map(({ piece }) => byteSpelt(piece))]);
  const unknown = unknownScoreOf(pieces);
  const spelt = pieces.map((entry): [string, number] => {
    const { piece, score, type } = entry;
    if (type !== PieceType.byte) return [isText(entry) ? byteSpelt(piece) : piece, score];
    const byte = parseInt(piece.slice(3, 5), 16), character = BYTE_CHARACTERS[byte] ?? "";
    // A byte that is a known character of its own is never fallen back to; its piece keeps its name.
    return [taken.has(character) ? piece : character, continues(byte) ? 0 : unknown];
  });
  return new Set(spelt.map(([name]) => name)).size === spelt.length ? spelt : undefined;
}

/** The pieces that were spelt, with their bytes as byte pieces; undefined where no such spelling gives these names. */
export function unspeltPieces(pieces: readonly Piece[]): Piece[] | undefined {
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id])), byteOf = new Map<number, number>();
  for (const [byte, character] of BYTE_CHARACTERS.entries()) {
    const id = ids.get(bytePiece(byte)) ?? ids.get(character);
    if (id === undefined) return undefined;
    byteOf.set(id, byte);
  }
  return pieces.map((entry, id) => {
    const byte = byteOf.get(id);
    if (byte !== undefined) return { piece: bytePiece(byte), score: 0, type: PieceType.byte };
    const bytes = entry.type === PieceType.normal ? bytesSpelt(entry.piece) : undefined;
    return bytes ? { ...entry, piece: textOf(bytes) } : entry;
  });
}

/** Decoder step from spelt pieces to text. It comes first, because single bytes can together make a mark that is no space. */
export const speltMark = { from: byteSpelt(SPACE_MARK), to: byteSpelt(" ") } as const;
