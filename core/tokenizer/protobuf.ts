/** The protobuf wire format, as much of it as a SentencePiece model needs. Fields are slices of the file, never copies. */
import { HymbaError } from "../errors.ts";
import { textOf, utf8 } from "./bytes.ts";

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** One field of a message. */
export interface Field {
  number: number;
  wire: number;
  /** Value of a varint or of a fixed32's bits; 0 for others. Varints above 2^53 lose low bits. */
  value: number;
  /** Payload of a length-delimited field; empty for others. */
  payload: Uint8Array;
  /** Tag and value as they stand in the file. */
  raw: Uint8Array;
  /** Where the tag is, in bytes from the start of the file. */
  offset: number;
}

/** Reads the fields of one message and knows where in which file it is. */
export class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #origin: number;
  #at = 0;

  constructor(bytes: Uint8Array, { name, origin = 0 }: { name: string; origin?: number }) {
    this.#bytes = bytes;
    this.#name = name;
    this.#origin = origin;
  }

  /** An error about the byte at `offset` of the file (default: where reading stands). */
  error(what: string, offset = this.#origin + this.#at): HymbaError {
    return new HymbaError(`${this.#name}: damaged at byte ${offset}: ${what}`, {
      hint: "get the file again; a SentencePiece model (.model) is a protobuf message",
    });
  }

  *fields(): Generator<Field> {
    while (this.#at < this.#bytes.length) {
      const start = this.#at, tag = this.#varint(), number = Math.floor(tag / 8), wire = tag % 8;
      if (number === 0 || number >= 2 ** 29) throw this.error(`field number ${number}`, this.#origin + start);
      let value = 0, payload = this.#bytes.subarray(0, 0);
      if (wire === WireType.varint) value = this.#varint();
      else if (wire === WireType.bytes) payload = this.#take(this.#varint());
      else if (wire === WireType.fixed32) {
        const b = this.#take(4);
        value = (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0;
      } else if (wire === WireType.fixed64) this.#take(8);
      else throw this.error(`wire type ${wire}`, this.#origin + start);
      yield { number, wire, value, payload, raw: this.#bytes.subarray(start, this.#at), offset: this.#origin + start };
    }
  }

  /** The reader of a field's payload. */
  inner(field: Field): MessageReader {
    const origin = field.offset + field.raw.length - field.payload.length;
    return new MessageReader(field.payload, { name: this.#name, origin });
  }

  /** Fails unless `field` has the wire type that its number stands for. */
  expect(field: Field, wire: number): void {
    if (field.wire !== wire) throw this.error(`field ${field.number} has wire type ${field.wire}`, field.offset);
  }

  /** The payload as text. @throws {HymbaError} when it is not UTF-8. */
  text(field: Field): string {
    this.expect(field, WireType.bytes);
    const text = textOf(field.payload);
    if (text.includes("\ufffd") && !sameBytes(utf8(text), field.payload)) {
      throw this.error("text that is not UTF-8", field.offset);
    }
    return text;
  }

  #varint(): number {
    let value = 0, scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.error("the file ends inside a number");
      this.#at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.error("a number of more than 10 bytes");
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw this.error(`a field of ${length} bytes where ${this.#bytes.length - this.#at} are left`);
    }
    return this.#bytes.subarray(this.#at, this.#at += length);
  }
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

  /** Appends fields that are encoded already. */
  raw(encoded: Uint8Array): this {
    this.#parts.push(encoded);
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
