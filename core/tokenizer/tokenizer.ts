/** A Unigram tokenizer: text to ids and back, and the two file formats. */
import { sha256 } from "../disk/hash.ts";
import { HymbaError } from "../errors.ts";
import { isList, requireGiven } from "../given.ts";
import { type Counter, uniform } from "../random.ts";
import { DecodeStream } from "./decode_stream.ts";
import { loadPatterns } from "./huggingface/patterns.ts";
import { readTokenizerJson } from "./huggingface/read.ts";
import { canBeJson, toTokenizerJson } from "./huggingface/write.ts";
import { IdList, textOf, utf8, utf8Into } from "./bytes.ts";
import { Lattice, type Segmentation } from "./lattice.ts";
import { DEFAULT_TRAINER, type ModelFile, readModelFile, writeModelFile } from "./model_file.ts";
import type { EncodingSession } from "./pipeline.ts";
import { type Coder, coderOf, TokenStream } from "./coder.ts";
import { type Piece, PieceType } from "./vocabulary.ts";

/** UTF-16 units of text that are encoded at a time. */
const PART = 16384;

/** The text of each token, whose number of bytes is in `lengths`. No token crosses the border of a part. */
function surfacesOf(parts: readonly Uint8Array[], lengths: Uint32Array): string[] {
  const surfaces: string[] = [];
  let token = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length && token < lengths.length;) {
      const end = at + (lengths[token++] ?? 0);
      surfaces.push(textOf(part.subarray(at, end)));
      at = end;
    }
  }
  return surfaces;
}

/** Gives other files of the program access to a tokenizer's vocabulary and pipeline. */
export let insideOf: (tokenizer: Tokenizer) => Coder;

/** A Unigram tokenizer. It does not change after it is made; `encode` and `decode` may be called in any order. */
export class Tokenizer {
  readonly #coder: Coder;
  readonly #file: ModelFile | undefined;
  /** The `tokenizer.json` of a tokenizer that has no `.model`. */
  readonly #json: string | undefined;
  readonly #ids = new IdList(1024);
  readonly #session: EncodingSession;
  /** UTF-8 of the current part. */
  #part = new Uint8Array(0);
  #hash: string | undefined;

  static {
    insideOf = (tokenizer) => tokenizer.#coder;
  }

  /** Use `trainTokenizer`, `fromModelBytes` or `fromJson`. @internal */
  constructor(coder: Coder, { file, json }: { file?: ModelFile; json?: string }) {
    this.#coder = coder;
    this.#file = file;
    this.#json = json;
    this.#session = coder.pipeline.session({ ids: this.#ids });
  }

  /** The tokenizer described by the contents of a `.model` file. @internal */
  static fromModelFile(file: ModelFile, { name }: { name: string }): Tokenizer {
    return new Tokenizer(coderOf(file, { name }), { file });
  }

  /**
   * Reads a SentencePiece `.model`. `name`: the name of the file, for errors.
   * @throws {HymbaError} with name and offset when the bytes are damaged or not a Unigram model.
   */
  static fromModelBytes(bytes: Uint8Array, { name = "tokenizer.model" } = {}): Tokenizer {
    requireGiven(bytes instanceof Uint8Array, `${name}: the bytes are wrong`, {
      expected: "a Uint8Array",
      value: bytes,
    });
    return Tokenizer.fromModelFile(readModelFile(bytes, name), { name });
  }

  /**
   * Reads a Hugging Face `tokenizer.json` with a Unigram model. A file that `toJson` wrote gives the same tokenizer again. Any
   * other file behaves as in Hugging Face tokenizers (64-bit scores, added tokens, pre-tokenizers). A file with regular
   * expressions needs `openJson`.
   * @throws {HymbaError} with name and offset when the text is damaged or uses parts that are not supported.
   */
  static fromJson(text: string, { name = "tokenizer.json" } = {}): Tokenizer {
    requireGiven(typeof text === "string", `${name}: the text is wrong`, { expected: "a string of JSON", value: text });
    const read = readTokenizerJson(text, name);
    if ("file" in read) return Tokenizer.fromModelFile(read.file, { name });
    return new Tokenizer(read, { json: text });
  }

  /**
   * Like `fromJson`, but also for files with regular expressions: it first loads the translator that they need.
   * @throws {HymbaError} as `fromJson` does.
   */
  static async openJson(text: string, { name = "tokenizer.json" } = {}): Promise<Tokenizer> {
    await loadPatterns(text);
    return Tokenizer.fromJson(text, { name });
  }

  /** V: how many ids there are; ids are 0 to V − 1. */
  get vocabSize(): number {
    return this.#coder.vocabulary.size;
  }

  /** What each id stands for, by id. */
  get pieces(): readonly Piece[] {
    return this.#coder.vocabulary.pieces;
  }

  /** The share of its training text's characters that are pieces; 1 where the file does not say. */
  get characterCoverage(): number {
    return this.#file?.trainer.characterCoverage ?? 1;
  }

  /** Whether it can be written as a `.model`. A tokenizer from another program's `tokenizer.json` cannot. */
  get hasModel(): boolean {
    return this.#file !== undefined;
  }

  /** Whether it can be written as a `tokenizer.json`. Some `.model` files do things that this format cannot express. */
  get hasJson(): boolean {
    return this.#json !== undefined || this.#file !== undefined && canBeJson(this.#file);
  }

  /** SHA-256 of the tokenizer's file, in hexadecimal: equal hashes mean equal ids for every text. */
  get hash(): string {
    return this.#hash ??= sha256(this.#json ?? this.toModelBytes());
  }

  /** The ids of a text. Lone surrogates count as U+FFFD. */
  encode(text: string): Uint32Array {
    requireGiven(typeof text === "string", "encode: the text is wrong", { expected: "a string", value: text });
    this.#pushText(text);
    return this.#ids.take();
  }

  /** Encodes one text that arrives in parts; memory does not grow with the text. */
  stream(): TokenStream {
    return new TokenStream(this.#coder);
  }

  /** The ids of UTF-8 bytes; a byte that is part of no character counts as U+FFFD. */
  encodeBytes(bytes: Uint8Array): Uint32Array {
    this.#session.push(bytes, true);
    return this.#ids.take();
  }

  /** The pieces of a text; an unknown token shows the text that it stands for. */
  encodePieces(text: string): string[] {
    const ids = new IdList(), lengths = new IdList();
    const session = this.#coder.pipeline.session({ ids, lengths }), bytes = new TextEncoder().encode(text);
    session.push(bytes, true);
    const normalised = this.#coder.pipeline.normalise(bytes);
    const surfaces = surfacesOf(normalised, lengths.take());
    return Array.from(ids.take(), (id, i) => {
      const { piece, type } = this.#coder.vocabulary.pieceOf(id);
      return type === PieceType.unknown ? surfaces[i] ?? piece : piece;
    });
  }

  /**
   * Up to `count` segmentations of a text, the best first, by exact search.
   * @throws {HymbaError} when a pre-tokenizer cuts the text, because no order is defined across the cuts.
   */
  encodeNBest(text: string, count: number): Segmentation[] {
    const parts = this.#coder.pipeline.normalise(new TextEncoder().encode(text));
    if (parts.length > 1) {
      throw new HymbaError("n-best segmentation needs a tokenizer without pre-tokenization", {
        got: `a text in ${parts.length} parts`,
      });
    }
    const [bytes] = parts;
    return bytes && bytes.length > 0 ? new Lattice(bytes, this.#coder.vocabulary).best(count) : [];
  }

  /**
   * A random segmentation. The probability of each is proportional to exp(`theta` × score): theta 1 samples from the model, a
   * larger theta stays closer to the best segmentation. `counter`: the number of the draw.
   */
  encodeSample(text: string, { theta, counter }: { theta: number; counter: Counter }): Uint32Array {
    const ids = new IdList();
    let draws = 0;
    for (const part of this.#coder.pipeline.normalise(new TextEncoder().encode(text))) {
      const drawn = new Lattice(part, this.#coder.vocabulary).sample(theta, () => uniform(counter, draws++));
      for (const id of drawn.ids) ids.push(id);
    }
    return ids.take();
  }

  /** The text of ids. @throws {HymbaError} when an id is not in the vocabulary. */
  decode(ids: ArrayLike<number>): string {
    requireGiven(isList(ids), "decode: the ids are wrong", { expected: "a list of token ids", value: ids });
    for (let i = 0; i < ids.length; i++) this.#coder.vocabulary.checkId(ids[i] ?? NaN, i);
    return this.#coder.pipeline.decode(ids);
  }

  /** Number of UTF-8 bytes of a token's text. For an unknown token: of the text that it is decoded to. */
  bytesOf(id: number): number {
    this.#coder.vocabulary.checkId(id, 0);
    return this.#coder.vocabulary.typeOf(id) === PieceType.byte ? 1 : utf8(this.#coder.pipeline.decode([id])).length;
  }

  /** A token alone: its text, or the name of its piece if it is a part of a character, such as `<0xE2>`, or has no text. */
  nameOf(id: number): string {
    const text = this.decode([id]);
    return text.includes("\ufffd") || text === "" ? this.#coder.vocabulary.pieceOf(id).piece : text;
  }

  /** Decodes one text that arrives in parts. */
  decodeStream(): DecodeStream {
    return new DecodeStream(this.#coder);
  }

  /** The tokenizer as a SentencePiece `.model`. */
  toModelBytes(): Uint8Array {
    return writeModelFile(this.#modelFile());
  }

  /** The tokenizer as Hugging Face's `tokenizer.json`. @throws {HymbaError} when that format cannot express it. */
  toJson(): string {
    return this.#json ?? `${JSON.stringify(toTokenizerJson(this.#modelFile()), null, 1)}\n`;
  }

  /** The contents of a `.model` file with this tokenizer. */
  #modelFile(): ModelFile {
    if (this.#file) return this.#file;
    throw new HymbaError("this tokenizer cannot be written as a SentencePiece model", {
      expected: `a tokenizer with SentencePiece's normalisation (${Object.keys(DEFAULT_TRAINER).length} options)`,
    });
  }

  #pushText(text: string): void {
    const most = 3 * Math.min(PART + 1, text.length);
    if (most > this.#part.length) this.#part = new Uint8Array(most);
    let at = 0;
    do {
      let stop = Math.min(at + PART, text.length);
      const last = text.charCodeAt(stop - 1);
      if (stop < text.length && last >= 0xd800 && last < 0xdc00) stop++;
      const written = utf8Into(at === 0 && stop === text.length ? text : text.slice(at, stop), this.#part);
      this.#session.push(this.#part.subarray(0, written), stop === text.length);
      at = stop;
    } while (at < text.length);
  }
}
