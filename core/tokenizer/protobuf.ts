/** The part of the protobuf wire format that a SentencePiece model needs. Fields are slices of the file, not copies. */
import { counted, HymbaError } from "../errors.ts";
import { textOf, utf8 } from "./bytes.ts";

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Reads the fields of one message in order. Errors name the place in the file. No object is made for a field. */
export class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #end: number;
  #at: number;
  /** Where the tag and the payload of the current field start, in bytes from the start of the file. */
  offset = 0;
  #payload = 0;
  number = 0;
  wire = 0;
  /** Value of a varint or of a fixed32's bits; 0 for others. Varints above 2^53 lose low bits. */
  value = 0;

  /** @param bytes The whole file. The message is its bytes from `begin` to `end`. */
  constructor(
    bytes: Uint8Array,
    { name, begin = 0, end = bytes.length }: { name: string; begin?: number; end?: number },
  ) {
    this.#bytes = bytes;
    this.#name = name;
    this.#at = begin;
    this.#end = end;
  }

  /** An error about the byte at `offset` of the file (default: the current position). */
  error(what: string, offset = this.#at): HymbaError {
    return new HymbaError(`${this.#name}: damaged at byte ${offset}: ${what}`, {
      hint: "get the file again; a SentencePiece model (.model) is a protobuf message",
    });
  }

  /** Goes to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.offset = this.#at;
    const tag = this.#varint(), wire = tag % 8;
    this.number = Math.floor(tag / 8);
    this.wire = wire;
    this.value = 0;
    if (this.number === 0 || this.number >= 2 ** 29) throw this.error(`field number ${this.number}`, this.offset);
    if (wire === WireType.bytes) {
      this.#skip(this.#varint());
      return true;
    }
    if (wire === WireType.varint) this.value = this.#varint();
    else if (wire === WireType.fixed32) {
      this.#skip(4);
      const b = this.#bytes, at = this.#payload;
      this.value = (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
    } else if (wire === WireType.fixed64) this.#skip(8);
    else throw this.error(`wire type ${wire}`, this.offset);
    this.#payload = this.#at;
    return true;
  }

  /** The payload of a length-delimited field; empty for others. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(this.#payload, this.#at);
  }

  /** Tag and value, unchanged from the file. */
  get raw(): Uint8Array {
    return this.#bytes.subarray(this.offset, this.#at);
  }

  /** The reader of a field's payload. */
  inner(): MessageReader {
    return new MessageReader(this.#bytes, { name: this.#name, begin: this.#payload, end: this.#at });
  }

  /** Throws unless the field has the wire type that its number requires. */
  expect(wire: number): void {
    if (this.wire !== wire) throw this.error(`field ${this.number} has wire type ${this.wire}`, this.offset);
  }

  /** The payload as text. @throws {HymbaError} when it is not UTF-8. */
  text(): string {
    this.expect(WireType.bytes);
    const short = shortText(this.#bytes, { begin: this.#payload, end: this.#at });
    if (short !== undefined) return short;
    const payload = this.payload, text = textOf(payload);
    if (text.includes("\ufffd") && !sameBytes(utf8(text), payload)) {
      throw this.error("text that is not UTF-8", this.offset);
    }
    return text;
  }

  #varint(): number {
    let value = 0, scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw this.error("the file ends inside a number");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.error("a number of more than 10 bytes");
  }

  #skip(length: number): void {
    const left = this.#end - this.#at;
    if (length > left) throw this.error(`a field of ${counted(length, "byte")} where ${left} are left`);
    this.#payload = this.#at;
    this.#at += length;
  }
}

/**
 * The text of up to a few bytes: ASCII, and characters of three bytes that are not near the surrogates. It is faster than the
 * platform's decoder for the thousands of words of a vocabulary. Undefined for all other bytes.
 */
function shortText(bytes: Uint8Array, { begin, end }: { begin: number; end: number }): string | undefined {
  if (end - begin > 32) return undefined;
  let text = "";
  for (let at = begin; at < end;) {
    const lead = bytes[at++]!;
    if (lead < 0x80) text += String.fromCharCode(lead);
    else {
      if (lead < 0xe1 || lead > 0xec || at + 2 > end) return undefined;
      const second = bytes[at++]!, third = bytes[at++]!;
      if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80) return undefined;
      text += String.fromCharCode((lead & 0xf) << 12 | (second & 0x3f) << 6 | third & 0x3f);
    }
  }
  return text;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const floatBits = new DataView(new ArrayBuffer(4));

/** The 32-bit float with these bits. */
export function floatFromBits(bits: number): number {
  floatBits.setUint32(0, bits);
  return floatBits.getFloat32(0);
}

/** Writes the fields of one message. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  varint(number: number, value: number): this {
    this.#tag(number, WireType.varint);
    this.#parts.push(varintBytes(value));
    return this;
  }

  flag(number: number, value: boolean): this {
    return this.varint(number, Number(value));
  }

  float(number: number, value: number): this {
    this.#tag(number, WireType.fixed32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#parts.push(bytes);
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#tag(number, WireType.bytes);
    this.#parts.push(varintBytes(value.length), value);
    return this;
  }

  text(number: number, value: string): this {
    return this.bytes(number, utf8(value));
  }

  /** Appends encoded fields. Adjacent slices of one file are stored as one slice. */
  raw(encoded: Uint8Array): this {
    const last = this.#parts.at(-1);
    if (last?.buffer !== encoded.buffer || last.byteOffset + last.length !== encoded.byteOffset) {
      this.#parts.push(encoded);
      return this;
    }
    this.#parts.pop();
    this.#parts.push(new Uint8Array(encoded.buffer, last.byteOffset, last.length + encoded.length));
    return this;
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #tag(number: number, wire: number): void {
    this.#parts.push(varintBytes(number * 8 + wire));
  }
}

/** Most bytes of a number below 2^53. */
const LONGEST_VARINT = 8;

function varintBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(value < 128 ? 1 : LONGEST_VARINT);
  let rest = value, length = 0;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[length++] = rest % 128 + 128;
  bytes[length++] = rest;
  return bytes.subarray(0, length);
}
