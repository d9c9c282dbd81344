/** The pieces of a Unigram model: the name and score of each id, and the trie that finds pieces in a text. */
import { HymbaError } from "../errors.ts";
import { ByteStrings, utf8 } from "./bytes.ts";
import { buildDoubleArray } from "./double_array.ts";

/** What a piece is for; the numbers are those of SentencePiece's `ModelProto.SentencePiece.Type`. */
export const PieceType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** One entry of a vocabulary; its id is its index. */
export interface Piece {
  /** Its text; a space is written as U+2581. */
  readonly piece: string;
  /** Natural logarithm of the piece's probability. */
  readonly score: number;
  /** A value of `PieceType`. */
  readonly type: number;
}

/** An unknown character costs this much more than the least likely piece. */
const UNKNOWN_PENALTY = 10;
/** Most pieces and longest piece (UTF-16 units) that are read. Vocabularies in use are far smaller. */
export const VOCABULARY_LIMITS = { pieces: 2 ** 21, pieceLength: 4096 } as const;
/** SentencePiece starts its maximum at the smallest positive float, so no model with negative scores goes below it. */
const SMALLEST_FLOAT = 2 ** -126;

/** The piece of a byte, such as `<0x0A>`. */
export const bytePiece = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** The score of an unknown character where the lowest score is `low`, which is Infinity without pieces. */
const unknownBelow = (low: number): number => (Number.isFinite(low) ? low : 0) - UNKNOWN_PENALTY;

/** The score that SentencePiece gives an unknown character with these pieces. */
export function unknownScoreOf(pieces: readonly Piece[]): number {
  const low = pieces.reduce(
    (least, { score, type }) => type === PieceType.normal ? Math.min(least, score) : least,
    Infinity,
  );
  return Math.fround(unknownBelow(low));
}

/** How scores add up: SentencePiece in 32-bit floats, Hugging Face tokenizers in 64-bit floats. */
export type Arithmetic = "float32" | "float64";

/** What a vocabulary is made from. */
export interface VocabularyOptions {
  byteFallback: boolean;
  arithmetic: Arithmetic;
  /** The file or object that the pieces came from, for errors. */
  name: string;
  /** Where a piece stands in its file, for errors. */
  offsetOf?: (id: number) => number | undefined;
  /** Which pieces can occur in a text and count for the lowest score. Default: SentencePiece's rule by type. */
  matched?: (id: number) => boolean;
}

/** Pieces with everything that segmentation needs, in typed arrays. */
export class Vocabulary {
  readonly pieces: readonly Piece[];
  readonly byteFallback: boolean;
  readonly arithmetic: Arithmetic;
  readonly unknownId: number;
  /** The id of byte b is `byteIds[b]`; without byte fallback every entry is the unknown id. */
  readonly byteIds: Uint32Array;
  /** Score of one unknown character. */
  readonly unknownScore: number;
  /** Largest score, as SentencePiece counts it. */
  readonly maxScore: number;
  /** Score of each id during the best segmentation (user-defined symbols get SentencePiece's bonus). */
  readonly scores: Float64Array;
  readonly #ids = new Map<string, number>();
  readonly #matched: Uint8Array;
  #trie: Uint32Array | undefined;
  #longest = 4;

  /** @throws {HymbaError} on duplicates, on no or several unknown pieces, on missing byte pieces. */
  constructor(pieces: readonly Piece[], options: VocabularyOptions) {
    const { byteFallback, arithmetic, name, offsetOf, matched } = options;
    const place = (id: number) => {
      const offset = offsetOf?.(id);
      return offset === undefined ? name : `${name}: damaged at offset ${offset}`;
    };
    this.pieces = pieces;
    this.byteFallback = byteFallback;
    this.arithmetic = arithmetic;
    this.#matched = new Uint8Array(pieces.length);
    this.scores = new Float64Array(pieces.length);
    this.unknownId = this.#register(place);
    let low = Infinity, high = SMALLEST_FLOAT;
    for (const [id, { score, type }] of pieces.entries()) {
      this.scores[id] = score;
      const found = matched?.(id);
      this.#matched[id] = Number(found ?? (type === PieceType.normal || type === PieceType.userDefined));
      if (!(found ?? type === PieceType.normal)) continue;
      low = Math.min(low, score);
      high = Math.max(high, score);
    }
    this.maxScore = high;
    const single = arithmetic === "float32" ? Math.fround : (x: number) => x;
    this.unknownScore = single(unknownBelow(low));
    if (arithmetic === "float32") this.#boostUserDefined();
    this.byteIds = this.#findBytes(place(0));
  }

  /** Checks the names of all pieces, stores their ids, and returns the id of the unknown piece. */
  #register(place: (id: number) => string): number {
    const { pieces, pieceLength } = VOCABULARY_LIMITS;
    let unknown: number | undefined;
    if (this.size > pieces) {
      throw new HymbaError(`${place(0)}: ${this.size} pieces`, { expected: `at most ${pieces}` });
    }
    for (const [id, { piece, type }] of this.pieces.entries()) {
      if (piece.length > pieceLength) {
        const what = `${place(id)}: piece ${id} has ${piece.length} characters`;
        throw new HymbaError(what, { expected: `at most ${pieceLength}` });
      }
      if (this.#ids.has(piece)) {
        throw new HymbaError(`${place(id)}: piece ${id}, ${JSON.stringify(piece)}, is already defined`);
      }
      this.#ids.set(piece, id);
      if (type !== PieceType.unknown) continue;
      if (unknown !== undefined) {
        throw new HymbaError(`${place(id)}: pieces ${unknown} and ${id} are both the unknown piece`);
      }
      unknown = id;
    }
    if (unknown !== undefined) return unknown;
    throw new HymbaError(`${place(0)}: no unknown piece`, { expected: "one piece of the unknown type" });
  }

  get size(): number {
    return this.pieces.length;
  }

  /** The id of a piece, or undefined. */
  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  /** @throws {HymbaError} unless `id`, the one at `position`, is in the vocabulary. */
  checkId(id: number, position: number): void {
    if (Number.isInteger(id) && id >= 0 && id < this.size) return;
    throw new HymbaError(`decode: id ${id} at position ${position} is not in the vocabulary`, {
      expected: `0 to ${this.size - 1}`,
    });
  }

  /** The piece of an id that is in the vocabulary. @throws {HymbaError} for any other. */
  pieceOf(id: number): Piece {
    const piece = this.pieces[id];
    if (!piece) throw new HymbaError(`id ${id} is not in the vocabulary`, { expected: `0 to ${this.size - 1}` });
    return piece;
  }

  typeOf(id: number): number {
    return this.pieceOf(id).type;
  }

  /** The double array of all pieces that a text can contain (made on first use). */
  get trie(): Uint32Array {
    return this.#trie ??= this.#buildTrie();
  }

  /** Bytes of the longest piece, at least one character. */
  get longestPiece(): number {
    return this.trie.length >= 0 ? this.#longest : 0;
  }

  /** The texts that are always one token. */
  userDefined(): string[] {
    return this.pieces.filter(({ type }) => type === PieceType.userDefined).map(({ piece }) => piece);
  }

  #boostUserDefined(): void {
    for (const [id, { piece, type }] of this.pieces.entries()) {
      if (type === PieceType.userDefined) this.scores[id] = Math.fround(utf8(piece).length * this.maxScore) - 0.1;
    }
  }

  #findBytes(place: string): Uint32Array {
    const ids = new Uint32Array(256).fill(this.unknownId);
    if (!this.byteFallback) return ids;
    for (let byte = 0; byte < 256; byte++) {
      const id = this.idOf(bytePiece(byte));
      if (id === undefined) {
        throw new HymbaError(`${place}: byte fallback is on, but the piece ${bytePiece(byte)} is missing`);
      }
      ids[byte] = id;
    }
    return ids;
  }

  #buildTrie(): Uint32Array {
    const keys = new ByteStrings(), ids: number[] = [];
    for (const [id, { piece }] of this.pieces.entries()) {
      if (!this.#matched[id] || piece.length === 0) continue;
      this.#longest = Math.max(this.#longest, keys.addText(piece));
      ids.push(id);
    }
    return buildDoubleArray(keys, ids);
  }
}
