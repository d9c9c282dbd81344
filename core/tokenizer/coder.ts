/** Encodes and decodes with a SentencePiece model. This file does not load training or other formats. */
import { IdList } from "./bytes.ts";
import { type ModelFile, readModelFile } from "./model_file.ts";
import { type EncodingSession, type Pipeline, SentencePiecePipeline } from "./pipeline.ts";
import { Vocabulary } from "./vocabulary.ts";

/** A vocabulary, and the steps before and after the segmentation. */
export interface Coder {
  readonly vocabulary: Vocabulary;
  readonly pipeline: Pipeline;
}

/** The coder described by the contents of a `.model` file. `name`: the name of the file, for errors. */
export function coderOf(file: ModelFile, { name }: { name: string }): Coder {
  const { byteFallback, unknownSurface, whitespaceAsSuffix } = file.trainer;
  const vocabulary = new Vocabulary(file.pieces, {
    byteFallback,
    arithmetic: "float32",
    name,
    offsetOf: (id) => file.original?.pieceOffsets[id],
  });
  const pipeline = new SentencePiecePipeline(vocabulary, {
    spec: { ...file.normalizer, whitespaceAsSuffix },
    unknownSurface,
    denormalizer: file.denormalizer,
    name,
  });
  return { vocabulary, pipeline };
}

/** Reads a SentencePiece `.model`. @throws {HymbaError} with name and offset when the bytes are damaged. */
export const readCoder = (bytes: Uint8Array, { name }: { name: string }): Coder =>
  coderOf(readModelFile(bytes, name), { name });

/** Encodes a text that arrives in parts of UTF-8; characters may be cut in two. */
export class TokenStream {
  readonly #ids = new IdList(1024);
  readonly #session: EncodingSession;

  /** Encodes with this tokenizer. */
  constructor({ pipeline }: Coder) {
    this.#session = pipeline.session({ ids: this.#ids });
  }

  /** Number of bytes that cannot be encoded before more text arrives. */
  get pendingBytes(): number {
    return this.#session.pending();
  }

  /** The next ids that no later part can change. The array is valid until the next call. */
  push(part: Uint8Array): Uint32Array {
    this.#session.push(part, false);
    return this.#ids.view();
  }

  /** The remaining ids, after a last part. The array is valid until the next call. The stream can then take another text. */
  finish(part: Uint8Array = new Uint8Array(0)): Uint32Array {
    this.#session.push(part, true);
    return this.#ids.view();
  }
}
