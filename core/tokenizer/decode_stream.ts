/** Decodes ids that arrive in parts, in memory that does not grow with the text. */
import { SPACE_MARK } from "./bytes.ts";
import type { Coder } from "./coder.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Ids are decoded when this many are waiting. */
const ENOUGH = 1 << 15;

/** Decodes one text. Tokenizers whose decoder needs the whole text get it at the end. */
export class DecodeStream {
  readonly #vocabulary: Vocabulary;
  readonly #pipeline: Pipeline;
  #waiting: number[] = [];
  #anyText = false;

  /** Decodes with this tokenizer. */
  constructor({ vocabulary, pipeline }: Coder) {
    this.#vocabulary = vocabulary;
    this.#pipeline = pipeline;
  }

  /** The text that later ids cannot change. The id must be in the vocabulary. */
  push(id: number): string {
    const ready = this.#waiting.length >= ENOUGH && this.#pipeline.decodesInParts;
    // In front of a word no character is incomplete and no rule of the denormaliser reaches across.
    const text = ready && this.#vocabulary.pieceOf(id).piece.startsWith(SPACE_MARK) ? this.#decode() : "";
    this.#waiting.push(id);
    return text;
  }

  /** The rest of the text. The stream can then take another one. */
  finish(): string {
    const text = this.#decode();
    this.#anyText = false;
    return text;
  }

  #decode(): string {
    const text = this.#pipeline.decode(this.#waiting, { continues: this.#anyText });
    this.#waiting = [];
    this.#anyText ||= text.length > 0;
    return text;
  }
}
