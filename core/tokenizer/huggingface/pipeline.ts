/** What Hugging Face tokenizers do around a Unigram model: added tokens, normaliser, pre-tokenizer, decoder. */
import { ByteBuffer, textOf, utf8 } from "../bytes.ts";
import type { EncodingSession, Pipeline } from "../pipeline.ts";
import { Segmenter, type TokenSink } from "../segmenter.ts";
import { PieceType, type Vocabulary } from "../vocabulary.ts";
import type { TextStep } from "./normalizers.ts";
import type { CutStep } from "./pre_tokenizers.ts";
import { endOfSpaces, endsWithWord, startOfSpaces, startsWithWord } from "./classes.ts";

/** A text that is always one token. */
export interface AddedToken {
  id: number;
  content: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  /** Searched for after normalisation, not before. */
  normalized: boolean;
  special: boolean;
}

/** A part of a text: an added token, or text to be segmented. */
interface Part {
  text: string;
  id?: number;
}

/** Finds added tokens in a text: always the leftmost one, and among those at the same place the longest. */
class AddedTokens {
  readonly #tokens = new Map<string, AddedToken>();
  readonly #pattern: RegExp | undefined;

  constructor(tokens: readonly AddedToken[], normalise: TextStep) {
    for (const token of tokens) {
      const text = normalise(token.content);
      if (text.length > 0 && !this.#tokens.has(text)) this.#tokens.set(text, token);
    }
    const longestFirst = [...this.#tokens.keys()].sort((a, b) => b.length - a.length);
    if (longestFirst.length > 0) this.#pattern = new RegExp(longestFirst.map(RegExp.escape).join("|"), "gu");
  }

  /**
   * Cuts a text into added tokens and the texts between them. Source: Hugging Face's `added_vocabulary.rs`, `find_matches`.
   */
  cut(text: string): Part[] {
    if (!this.#pattern) return [{ text }];
    const parts: Part[] = [];
    let at = 0;
    for (const { 0: content, index } of text.matchAll(this.#pattern)) {
      const token = this.#tokens.get(content), end = index + content.length;
      if (!token || token.singleWord && (endsWithWord(text, index) || startsWithWord(text, end))) continue;
      const start = token.lstrip ? Math.max(startOfSpaces(text, index), at) : index;
      if (start > at) parts.push({ text: text.slice(at, start) });
      parts.push({ text: content, id: token.id });
      at = token.rstrip ? endOfSpaces(text, end) : end;
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

/** Hugging Face's order of steps. A text is in memory while it is encoded. */
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
      const { piece, type } = this.#vocabulary.pieceOf(ids[i] ?? NaN);
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
