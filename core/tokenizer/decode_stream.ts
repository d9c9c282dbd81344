/** Decodes ids that arrive in parts, in memory that does not grow with the text. */
import { SPACE_MARK } from "./bytes.ts";
import type { Coder } from "./coder.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Number of ids that are decoded at a time. */
const BATCH = 1 << 15;

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

  /** The next text that no later id can change. The id must be in the vocabulary. */
  push(id: number): string {
    const ready = this.#waiting.length >= BATCH && this.#pipeline.decodesInParts;
    // At the start of a word all characters before it are complete, and no rule of the denormaliser spans the boundary.
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
