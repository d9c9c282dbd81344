/** What Hugging Face tokenizers do around a Unigram model: added tokens, normaliser, pre-tokenizer, decoder. */
import { ByteBuffer, textOf, utf8 } from "../bytes.ts";
import type { EncodingSession, Pipeline } from "../pipeline.ts";
import { Segmenter, type TokenSink } from "../segmenter.ts";
import { PieceType, type Vocabulary } from "../vocabulary.ts";
import type { TextStep } from "./normalizers.ts";
import type { CutStep } from "./pre_tokenizers.ts";

/** A text that is always one token. */
export interface AddedToken {
  id: number;
  content: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  /** Looked for after normalisation, not before. */
  normalized: boolean;
  special: boolean;
}

/** A part of a text: an added token, or text to be segmented. */
interface Part {
  text: string;
  id?: number;
}

/** Finds added tokens in a text, the longest first. */
class AddedTokens {
  readonly #ids = new Map<string, number>();
  readonly #pattern: RegExp | undefined;

  constructor(tokens: readonly AddedToken[], normalise: TextStep) {
    const sources: { length: number; source: string }[] = [];
    for (const { id, content, singleWord, lstrip, rstrip } of tokens) {
      const text = normalise(content);
      if (text.length === 0) continue;
      this.#ids.set(text, id);
      const edge = singleWord ? ["(?<![\\p{L}\\p{N}_])", "(?![\\p{L}\\p{N}_])"] : ["", ""];
      const source = `${edge[0]}${lstrip ? "\\s*" : ""}(${RegExp.escape(text)})${rstrip ? "\\s*" : ""}${edge[1]}`;
      sources.push({ length: text.length, source });
    }
    sources.sort((a, b) => b.length - a.length);
    if (sources.length > 0) this.#pattern = new RegExp(sources.map(({ source }) => source).join("|"), "gu");
  }

  cut(text: string): Part[] {
    if (!this.#pattern) return [{ text }];
    const parts: Part[] = [];
    let at = 0;
    for (const match of text.matchAll(this.#pattern)) {
      if (match.index > at) parts.push({ text: text.slice(at, match.index) });
      const content = match.slice(1).find((group) => group !== undefined)!;
      parts.push({ text: content, id: this.#ids.get(content) });
      at = match.index + match[0].length;
    }
    if (at < text.length) parts.push({ text: text.slice(at) });
    return parts;
  }
}

/** The steps of one `tokenizer.json`. */
export interface HuggingFaceSteps {
  addedTokens: readonly AddedToken[];
  normalise: TextStep;
  cut: CutStep;
  decode: (tokens: string[]) => string;
}

/** Hugging Face's order of steps. A text is held in memory while it is encoded. */
export class HuggingFacePipeline implements Pipeline {
  readonly decodesInParts = false;
  readonly #vocabulary: Vocabulary;
  readonly #steps: HuggingFaceSteps;
  readonly #before: AddedTokens;
  readonly #after: AddedTokens;

  constructor(vocabulary: Vocabulary, steps: HuggingFaceSteps) {
    this.#vocabulary = vocabulary;
    this.#steps = steps;
    this.#before = new AddedTokens(steps.addedTokens.filter(({ normalized }) => !normalized), (text) => text);
    this.#after = new AddedTokens(steps.addedTokens.filter(({ normalized }) => normalized), steps.normalise);
  }

  session(sink: TokenSink): EncodingSession {
    const segmenter = new Segmenter(this.#vocabulary, sink), waiting = new ByteBuffer(256);
    return {
      push: (part, final) => {
        waiting.append(part);
        if (!final) return;
        for (const { text, id } of this.#parts(textOf(waiting.view()))) {
          const bytes = utf8(text);
          if (id === undefined) {
            segmenter.input.append(bytes);
            segmenter.run(true);
          } else {
            sink.ids.push(id);
            sink.lengths?.push(bytes.length);
          }
        }
        waiting.length = 0;
      },
      pending: () => waiting.length,
    };
  }

  normalise(text: Uint8Array): Uint8Array[] {
    return this.#parts(textOf(text)).map((part) => utf8(part.text));
  }

  decode(ids: ArrayLike<number>): string {
    const tokens: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const { piece, type } = this.#vocabulary.pieces[ids[i]!]!;
      if (type !== PieceType.control) tokens.push(piece);
    }
    return this.#steps.decode(tokens);
  }

  #parts(text: string): Part[] {
    const { normalise, cut } = this.#steps;
    return this.#before.cut(text).flatMap((section, i) => {
      if (section.id !== undefined) return [section];
      return this.#after.cut(normalise(section.text)).flatMap((part, j) => {
        if (part.id !== undefined || part.text.length === 0) return part.id === undefined ? [] : [part];
        return cut(part.text, i === 0 && j === 0).filter((piece) => piece.length > 0).map((piece) => ({ text: piece }));
      });
    });
  }
}
