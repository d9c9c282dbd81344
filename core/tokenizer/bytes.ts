/** Small helpers on UTF-8 bytes, shared by every part of the tokenizer. */

/** U+2581, which stands for a space, as text and as UTF-8. */
export const SPACE_MARK = "\u2581";
export const MARK_0 = 0xe2, MARK_1 = 0x96, MARK_2 = 0x81;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const utf8Into = (text: string, out: Uint8Array): number => encoder.encodeInto(text, out).written;
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Bytes of the character that starts with `lead`; a continuation byte counts as one, as in SentencePiece. */
export function leadLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/**
 * Bytes of the well-formed character at `at`, or 0 when the bytes there are malformed: truncated, overlong, a surrogate
 * or above U+10FFFF.
 */
export function validLength(bytes: Uint8Array, { at, end }: { at: number; end: number }): number {
  const b0 = bytes[at]!;
  if (b0 < 0x80) return 1;
  if (b0 < 0xc2 || b0 > 0xf4) return 0;
  const length = b0 < 0xe0 ? 2 : b0 < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  const b1 = bytes[at + 1]!;
  const low = b0 === 0xe0 ? 0xa0 : b0 === 0xf0 ? 0x90 : 0x80;
  const high = b0 === 0xed ? 0x9f : b0 === 0xf4 ? 0x8f : 0xbf;
  if (b1 < low || b1 > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/** Compares two byte strings as C's memcmp does; a prefix comes first. It is also the order of their code points. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return a.length - b.length;
}

/** A byte buffer that doubles when it is full. `bytes` may be replaced by any call of `reserve`. */
export class ByteBuffer {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): Uint8Array {
    if (this.length + extra > this.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + extra));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    return this.bytes;
  }

  append(source: Uint8Array): void {
    this.reserve(source.length).set(source, this.length);
    this.length += source.length;
  }

  /** Drops the first `count` bytes. */
  dropFront(count: number): void {
    if (count === 0) return;
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Byte strings in one buffer, one after the other. */
export class ByteStrings {
  readonly #buffer = new ByteBuffer(4096);
  #starts = new Uint32Array(256);
  /** How many there are. */
  count = 0;

  /** String i is `bytes[starts[i]]` up to `bytes[starts[i + 1]]`. */
  get bytes(): Uint8Array {
    return this.#buffer.bytes;
  }

  get starts(): Uint32Array {
    return this.#starts;
  }

  /** Appends a text as UTF-8 and returns its length in bytes. */
  addText(text: string): number {
    const buffer = this.#buffer, start = buffer.length, bytes = buffer.reserve(3 * text.length);
    let length = start;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) bytes[length++] = unit;
      else if (unit >= 0x800 && unit < 0xd800) {
        bytes[length++] = 0xe0 | unit >> 12;
        bytes[length++] = 0x80 | unit >> 6 & 0x3f;
        bytes[length++] = 0x80 | unit & 0x3f;
      } else {
        // The platform encodes texts with other characters.
        length = start + utf8Into(text, bytes.subarray(start));
        break;
      }
    }
    return this.#end(length);
  }

  /** Appends bytes. */
  add(bytes: Uint8Array): void {
    this.#buffer.append(bytes);
    this.#end(this.#buffer.length);
  }

  #end(length: number): number {
    if (this.count + 2 > this.#starts.length) {
      const grown = new Uint32Array(2 * this.#starts.length);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    const start = this.#starts[this.count] ?? 0;
    this.#buffer.length = length;
    this.#starts[++this.count] = length;
    return length - start;
  }

  /** Each of these byte strings. */
  static of(strings: Iterable<Uint8Array>): ByteStrings {
    const all = new ByteStrings();
    for (const each of strings) all.add(each);
    return all;
  }
}

/** A list of unsigned 32-bit numbers in one typed array. */
export class IdList {
  values: Uint32Array;
  length = 0;

  constructor(capacity = 256) {
    this.values = new Uint32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Uint32Array(2 * this.values.length);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length++] = value;
  }

  /** Adds to the last number; there must be one. */
  addToLast(value: number): void {
    const last = this.length - 1;
    this.values[last] = (this.values[last] ?? 0) + value;
  }

  /** The numbers so far, until the next one is pushed; the list is empty afterwards. */
  view(): Uint32Array {
    const seen = this.values.subarray(0, this.length);
    this.length = 0;
    return seen;
  }

  /** The numbers so far, copied; the list is empty afterwards. */
  take(): Uint32Array {
    const taken = this.values.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}
