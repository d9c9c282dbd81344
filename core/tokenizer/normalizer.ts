/**
 * SentencePiece's normaliser: character map, spaces, dummy prefix. It reads a text in parts and appends the result, UTF-8, to
 * the segmenter's input. Source: SentencePiece, `normalizer.cc`.
 */
import { type ByteBuffer, ByteStrings, MARK_0, MARK_1, MARK_2, utf8, validLength } from "./bytes.ts";
import { type Charsmap, parseCharsmap } from "./charsmap.ts";
import { buildDoubleArray, longestPrefix } from "./double_array.ts";

/** What a SentencePiece model says about normalisation. */
export interface NormalizerSpec {
  /** Name of the rule, for readers: `identity`, `nfkc`, `nmt_nfkc`, … */
  name: string;
  /** Compiled rules; empty for the identity. */
  charsmap: Uint8Array;
  /** Put a space before the text. */
  addDummyPrefix: boolean;
  /** Drop leading, trailing and repeated spaces. */
  removeExtraWhitespaces: boolean;
  /** Write U+2581 for a space. */
  escapeWhitespaces: boolean;
  /** Put the dummy prefix after the text instead. */
  whitespaceAsSuffix?: boolean;
}

/** What is fixed for all texts of one tokenizer. */
export class NormalizerRules {
  readonly spec: NormalizerSpec;
  readonly charsmap: Charsmap | undefined;
  /** Double array of the texts that no rule may touch. */
  readonly kept: Uint32Array;
  /** Which bytes start a rule or a kept text. */
  readonly special = new Uint8Array(256);
  /** A character can be normalised when this many bytes from its start on are known. */
  readonly lookahead: number;

  /** @throws {HymbaError} when the character map is damaged. */
  constructor(spec: NormalizerSpec, { userDefined, name }: { userDefined: readonly string[]; name: string }) {
    this.spec = spec;
    this.charsmap = spec.charsmap.length > 0 ? parseCharsmap(spec.charsmap, name) : undefined;
    const keys = this.charsmap ? userDefined.map(utf8) : [];
    this.kept = buildDoubleArray(ByteStrings.of(keys), new Uint8Array(keys.length));
    for (const [first = 0] of keys) this.special[first] = 1;
    for (const byte of this.charsmap?.firstBytes() ?? []) this.special[byte] = 1;
    this.lookahead = Math.max(4, this.charsmap?.longestRule ?? 0, ...keys.map((key) => key.length));
  }
}

const REPLACEMENT = utf8("\ufffd");
const SPACE = 0x20;

/** Normalises one text that arrives in parts. */
export class Normalizer {
  readonly #rules: NormalizerRules;
  readonly #out: ByteBuffer;
  /** The last character written was a space, and more of them are to be dropped. */
  #afterSpace = false;
  /** Spaces read but not yet written: they are dropped if the text ends here. */
  #held = 0;
  #started = false;
  /** Something other than a space was read, even if a rule deleted it. */
  #content = false;

  constructor(rules: NormalizerRules, out: ByteBuffer) {
    this.#rules = rules;
    this.#out = out;
  }

  /**
   * Normalises `bytes` and returns how many were consumed. The caller gives the rest again with the next part.
   * With `final`, all are consumed and the next call begins another text.
   */
  push(bytes: Uint8Array, final: boolean): number {
    if (bytes.length === 0 && !final) return 0;
    if (!this.#started && bytes.length > 0) this.#begin();
    const limit = final ? bytes.length : bytes.length - this.#rules.lookahead;
    const at = this.#rules.charsmap ? this.#mapped(bytes, limit) : this.#identity(bytes, limit);
    if (final) this.#finish();
    return at;
  }

  #begin(): void {
    const { addDummyPrefix, removeExtraWhitespaces, whitespaceAsSuffix } = this.#rules.spec;
    this.#started = true;
    this.#held = 0;
    this.#afterSpace = removeExtraWhitespaces;
    if (addDummyPrefix && !whitespaceAsSuffix) this.#space();
  }

  #finish(): void {
    const { addDummyPrefix, removeExtraWhitespaces, whitespaceAsSuffix } = this.#rules.spec;
    this.#held = 0;
    const any = this.#started && (this.#content || !removeExtraWhitespaces);
    if (any && addDummyPrefix && whitespaceAsSuffix) this.#writeSpace();
    this.#started = this.#content = false;
  }

  #identity(bytes: Uint8Array, limit: number): number {
    let at = 0;
    while (at < limit) {
      const lead = bytes[at]!;
      if (lead < 0x80) {
        if (lead === SPACE) this.#readSpace();
        else this.#byte(lead);
        at++;
        continue;
      }
      const length = validLength(bytes, { at, end: bytes.length });
      if (length === 0) this.#append(REPLACEMENT, { at: 0, end: REPLACEMENT.length });
      else this.#append(bytes, { at, end: at + length });
      at += length || 1;
    }
    return at;
  }

  #mapped(bytes: Uint8Array, limit: number): number {
    const { charsmap, kept, special } = this.#rules, end = bytes.length;
    let at = 0;
    while (at < limit) {
      const lead = bytes[at]!;
      if (lead < 0x80 && !special[lead]) {
        if (lead === SPACE) this.#readSpace();
        else this.#byte(lead);
        at++;
        continue;
      }
      const whole = longestPrefix(kept, { bytes, at, end }).length;
      if (whole > 0) {
        this.#characters(bytes, { at, end: at + whole });
        at += whole;
        continue;
      }
      const { length, replacement } = charsmap!.match(bytes, { at, end });
      if (length > 0) {
        if (replacement.length !== 1 || replacement[0] !== SPACE) this.#content = true;
        this.#characters(replacement, { at: 0, end: replacement.length });
        at += length;
        continue;
      }
      const valid = validLength(bytes, { at, end });
      if (valid === 0) this.#append(REPLACEMENT, { at: 0, end: REPLACEMENT.length });
      else this.#characters(bytes, { at, end: at + valid });
      at += valid || 1;
    }
    return at;
  }

  /** Appends the result of one rule. Only spaces at its start can repeat a space before it. */
  #characters(bytes: Uint8Array, { at, end }: { at: number; end: number }): void {
    let i = at;
    while (this.#afterSpace && i < end && bytes[i] === SPACE) i++;
    if (i === end) return;
    while (i < end) {
      if (bytes[i] === SPACE) {
        this.#space();
        i++;
        continue;
      }
      const length = Math.min(end - i, validLength(bytes, { at: i, end }) || 1);
      this.#append(bytes, { at: i, end: i + length });
      i += length;
    }
    this.#afterSpace = this.#rules.spec.removeExtraWhitespaces && bytes[end - 1] === SPACE;
  }

  #readSpace(): void {
    if (this.#afterSpace) return;
    this.#space();
    this.#afterSpace = this.#rules.spec.removeExtraWhitespaces;
  }

  #space(): void {
    if (this.#rules.spec.removeExtraWhitespaces) this.#held++;
    else this.#writeSpace();
  }

  #writeSpace(): void {
    const out = this.#out, bytes = out.reserve(3);
    if (this.#rules.spec.escapeWhitespaces) {
      bytes[out.length++] = MARK_0;
      bytes[out.length++] = MARK_1;
      bytes[out.length++] = MARK_2;
    } else bytes[out.length++] = SPACE;
  }

  #flush(): void {
    while (this.#held > 0) {
      this.#held--;
      this.#writeSpace();
    }
    this.#afterSpace = false;
  }

  #byte(value: number): void {
    this.#content = true;
    if (this.#held > 0 || this.#afterSpace) this.#flush();
    const out = this.#out;
    if (out.length === out.bytes.length) out.reserve(1);
    out.bytes[out.length++] = value;
  }

  /** Appends one character, not a space. */
  #append(bytes: Uint8Array, { at, end }: { at: number; end: number }): void {
    this.#content = true;
    const { removeExtraWhitespaces, escapeWhitespaces } = this.#rules.spec;
    if (
      removeExtraWhitespaces && escapeWhitespaces && end - at === 3 && bytes[at] === MARK_0 &&
      bytes[at + 1] === MARK_1 && bytes[at + 2] === MARK_2
    ) {
      // SentencePiece treats U+2581 in the text as a space at the end of the text, but not after a space.
      this.#held++;
      this.#afterSpace = false;
      return;
    }
    for (let i = at; i < end; i++) this.#byte(bytes[i]!);
  }
}
