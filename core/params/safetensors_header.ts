/**
 * Reads the JSON header of a safetensors file without trusting it: only the grammar the format allows, byte by byte, so that
 * duplicate names are seen (JSON.parse would keep the last) and every error has its byte.
 * Source: https://github.com/huggingface/safetensors, "Format".
 */
import { HymbaError, quoted } from "../errors.ts";
import { at } from "../lists.ts";

/** One tensor as the header states it; nothing is checked against the data yet. `begin` and `end` are bytes into the data. */
export interface HeaderEntry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/** The content of a header. */
export interface Header {
  entries: HeaderEntry[];
  metadata: Map<string, string>;
}

/** Limits against hostile headers that would cost more memory or time than their length suggests. Far above the needs of a model. */
export const HEADER_LIMITS = { members: 10_000, stringBytes: 2 ** 16, dimensions: 16 } as const;

const QUOTE = 0x22, BACKSLASH = 0x5c, SPACE = 0x20, ZERO = 0x30, NINE = 0x39;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class HeaderReader {
  #at: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly place: { name: string; start: number; end: number },
  ) {
    this.#at = place.start;
  }

  fail(problem: string, at = this.#at): never {
    throw new HymbaError(`${this.place.name}: safetensors header, byte ${at}: ${problem}`, {
      hint: "the file is damaged or not a safetensors file",
    });
  }

  #peek(): number {
    return this.#at < this.place.end ? at(this.bytes, this.#at) : -1;
  }

  #skipSpace(): void {
    for (let byte = this.#peek(); byte === SPACE || byte === 0x09 || byte === 0x0a || byte === 0x0d;) {
      this.#at++;
      byte = this.#peek();
    }
  }

  /** Takes the character if it is next. */
  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#peek() !== character.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.fail(`expected ${character}`);
  }

  string(): string {
    this.#expect('"');
    const start = this.#at;
    let escaped = false;
    for (let byte = this.#peek(); byte !== QUOTE; byte = this.#peek()) {
      if (byte < SPACE) this.fail(byte < 0 ? "the string does not end" : "control character in a string");
      escaped ||= byte === BACKSLASH;
      this.#at += byte === BACKSLASH ? 2 : 1;
    }
    const end = this.#at++;
    if (end - start > HEADER_LIMITS.stringBytes) {
      this.fail(`the string has ${end - start} bytes, at most ${HEADER_LIMITS.stringBytes} are read`, start - 1);
    }
    try {
      const text = utf8.decode(this.bytes.subarray(start, end));
      if (!escaped) return text;
      const unescaped: unknown = JSON.parse(`"${text}"`);
      if (typeof unescaped === "string" && unescaped.isWellFormed()) return unescaped;
    } catch {
      // Both failures, of UTF-8 and of an escape, get the message below.
    }
    return this.fail("the string is not well-formed UTF-8 and JSON", start - 1);
  }

  integer(): number {
    this.#skipSpace();
    const start = this.#at;
    let value = 0;
    for (let byte = this.#peek(); byte >= ZERO && byte <= NINE; byte = this.#peek()) {
      value = value * 10 + (byte - ZERO);
      if (value > Number.MAX_SAFE_INTEGER) this.fail("the integer exceeds 2^53 - 1", start);
      this.#at++;
    }
    if (this.#at === start) this.fail("expected a non-negative integer");
    if (this.#at > start + 1 && this.bytes[start] === ZERO) this.fail("the integer starts with 0", start);
    return value;
  }

  integers(what: string): number[] {
    const values: number[] = [];
    this.#expect("[");
    if (this.#take("]")) return values;
    do {
      if (values.length === HEADER_LIMITS.dimensions) this.fail(`${what} has more than ${values.length} integers`);
      values.push(this.integer());
    } while (this.#take(","));
    this.#expect("]");
    return values;
  }

  /** Calls `member` at each value of an object, refusing a second member of the same name. */
  object(what: string, member: (key: string) => void): void {
    const seen = new Set<string>();
    this.#expect("{");
    if (this.#take("}")) return;
    do {
      this.#skipSpace();
      const start = this.#at;
      const key = this.string();
      if (seen.size === HEADER_LIMITS.members) this.fail(`more than ${seen.size} names`, start);
      if (seen.has(key)) this.fail(`${what} ${quoted(key)} appears twice`, start);
      seen.add(key);
      this.#expect(":");
      member(key);
    } while (this.#take(","));
    this.#expect("}");
  }

  /** After the header only spaces may follow. */
  end(): void {
    while (this.#peek() === SPACE) this.#at++;
    if (this.#at < this.place.end) this.fail("only spaces may follow the header");
  }

  entry(name: string): HeaderEntry {
    const found: { dtype?: string; shape?: number[]; offsets?: number[] } = {};
    const tensor = `tensor ${quoted(name)}`;
    this.object(`${tensor}: field`, (key) => {
      if (key === "dtype") found.dtype = this.string();
      else if (key === "shape") found.shape = this.integers(`${tensor}: shape`);
      else if (key === "data_offsets") found.offsets = this.integers(`${tensor}: data_offsets`);
      else this.fail(`${tensor}: unknown field ${quoted(key)}`);
    });
    const { dtype, shape, offsets } = found;
    if (dtype === undefined) return this.fail(`${tensor} has no dtype`);
    if (shape === undefined) return this.fail(`${tensor} has no shape`);
    if (offsets === undefined) return this.fail(`${tensor} has no data_offsets`);
    const [begin, end] = offsets;
    if (offsets.length !== 2 || begin === undefined || end === undefined) {
      return this.fail(`${tensor}: data_offsets has ${offsets.length} integers, expected 2`);
    }
    return { name, dtype, shape, begin, end };
  }
}

/** Reads the header in `bytes[start, end)` of the file that errors call `name`. Throws a HymbaError that names the byte. */
export function readHeader(bytes: Uint8Array, place: { name: string; start: number; end: number }): Header {
  const reader = new HeaderReader(bytes, place);
  const header: Header = { entries: [], metadata: new Map() };
  if (bytes[place.start] !== 0x7b || place.start >= place.end) reader.fail("the header does not start with {");
  reader.object("tensor", (name) => {
    if (name === "__metadata__") reader.object("metadata", (key) => void header.metadata.set(key, reader.string()));
    else header.entries.push(reader.entry(name));
  });
  reader.end();
  return header;
}
