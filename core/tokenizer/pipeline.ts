/** From text to ids and back: one interface for the tokenizers of SentencePiece and of Hugging Face. */
import { ByteBuffer, SPACE_MARK, textOf, validLength } from "./bytes.ts";
import { Normalizer, NormalizerRules, type NormalizerSpec } from "./normalizer.ts";
import { Segmenter, type TokenSink } from "./segmenter.ts";
import { PieceType, type Vocabulary } from "./vocabulary.ts";

/** Bytes that are normalised and segmented at a time. They fit into the processor's cache. */
const PART = 1 << 14;

/** Encodes texts that arrive in parts of UTF-8. */
export interface EncodingSession {
  /** The next part of a text; `final` ends it. Settled tokens go to the sink. */
  push(part: Uint8Array, final: boolean): void;
  /** Bytes that wait until more of the text is known. */
  pending(): number;
}

/** The steps before and after the segmentation. */
export interface Pipeline {
  session(sink: TokenSink): EncodingSession;
  /** The normalised text, as the segmentation sees it: one part or, with a pre-tokenizer, many. */
  normalise(text: Uint8Array): Uint8Array[];
  /** Whether a text may be decoded word by word. */
  readonly decodesInParts: boolean;
  /** The text of ids. `continues`: these ids are not the first ones. */
  decode(ids: ArrayLike<number>, options?: { continues?: boolean }): string;
}

/** What SentencePiece does around its Unigram model. */
export class SentencePiecePipeline implements Pipeline {
  readonly decodesInParts = true;
  readonly spec: NormalizerSpec;
  readonly unknownSurface: string;
  readonly #vocabulary: Vocabulary;
  readonly #rules: NormalizerRules;
  readonly #denormalizer: NormalizerRules | undefined;

  constructor(
    vocabulary: Vocabulary,
    options: { spec: NormalizerSpec; unknownSurface: string; denormalizer: NormalizerSpec | undefined; name: string },
  ) {
    const { spec, unknownSurface, denormalizer, name } = options;
    this.spec = spec;
    this.unknownSurface = unknownSurface;
    this.#vocabulary = vocabulary;
    this.#rules = new NormalizerRules(spec, { userDefined: vocabulary.userDefined(), name });
    // Without rules SentencePiece does not change decoded text, whatever else the specification says.
    if (denormalizer && denormalizer.charsmap.length > 0) {
      this.#denormalizer = new NormalizerRules(denormalizer, { userDefined: [], name });
    }
  }

  session(sink: TokenSink): EncodingSession {
    const segmenter = new Segmenter(this.#vocabulary, sink);
    const normalizer = new Normalizer(this.#rules, segmenter.input);
    const waiting = new ByteBuffer(256);
    const pushPart = (part: Uint8Array, final: boolean) => {
      if (waiting.length === 0) waiting.append(part.subarray(normalizer.push(part, final)));
      else {
        waiting.append(part);
        waiting.dropFront(normalizer.push(waiting.view(), final));
      }
      segmenter.run(final);
    };
    return {
      push(part, final) {
        let at = 0;
        for (; at + PART < part.length; at += PART) pushPart(part.subarray(at, at + PART), false);
        pushPart(at === 0 ? part : part.subarray(at), final);
      },
      pending: () => waiting.length + segmenter.input.length,
    };
  }

  normalise(text: Uint8Array): Uint8Array[] {
    const out = new ByteBuffer(text.length + 64);
    new Normalizer(this.#rules, out).push(text, true);
    return [out.view()];
  }

  decode(ids: ArrayLike<number>, { continues = false } = {}): string {
    const parts: string[] = [], run = new ByteBuffer(16);
    const { addDummyPrefix, removeExtraWhitespaces } = this.spec;
    let atStart = !continues && (addDummyPrefix || removeExtraWhitespaces);
    const endRun = () => {
      if (run.length > 0) parts.push(bytesToText(run.view()));
      run.length = 0;
    };
    for (let i = 0; i < ids.length; i++) {
      const { piece, type } = this.#vocabulary.pieceOf(ids[i] ?? NaN);
      if (type === PieceType.byte) {
        run.append(Uint8Array.of(parseInt(piece.slice(3, 5), 16)));
        continue;
      }
      endRun();
      if (type === PieceType.control) continue;
      if (parts.length > 0) atStart = false;
      if (type === PieceType.unknown) parts.push(this.unknownSurface);
      else {
        const marked = atStart && piece.startsWith(SPACE_MARK);
        const text = (marked ? piece.slice(1) : piece).replaceAll(SPACE_MARK, " ");
        if (text.length > 0) parts.push(text);
        if (marked && !removeExtraWhitespaces) atStart = false;
      }
    }
    endRun();
    return this.#denormalise(parts.join(""));
  }

  #denormalise(text: string): string {
    if (!this.#denormalizer) return text;
    const out = new ByteBuffer(text.length + 64);
    new Normalizer(this.#denormalizer, out).push(new TextEncoder().encode(text), true);
    return textOf(out.view());
  }
}

/** Bytes as text; every byte that is part of no character becomes U+FFFD. */
function bytesToText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = validLength(bytes, { at, end: bytes.length });
    text += length === 0 ? "\ufffd" : textOf(bytes.subarray(at, at + length));
    at += length || 1;
  }
  return text;
}
