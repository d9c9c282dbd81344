/** Files and streams of the tokenizer commands. */
import { UsageError } from "../../core/errors.ts";
import { systemDisk } from "../../core/disk/system.ts";
import { at } from "../../core/lists.ts";
import { utf8Text } from "../../core/tokenizer/utf8_text.ts";

/** Bytes that are read or written at a time. */
export const BLOCK = 1 << 18;
const BRACE = 0x7b, SPACE = 0x20, ZERO = 0x30;
/** A byte order mark in UTF-8. */
const MARK = [0xef, 0xbb, 0xbf];
const encoder = new TextEncoder();

/**
 * The bytes of a tokenizer's file, and its text if it is a Hugging Face `tokenizer.json` rather than a SentencePiece `.model`.
 * Both can start with a line break, but only a model has zero bytes (in its scores).
 * @throws {UsageError} for a `tokenizer.json` that is not UTF-8, whose pieces would have other characters.
 */
export async function readTokenizerFile(path: string): Promise<{ bytes: Uint8Array; json?: string }> {
  await requireFile(path);
  const bytes = await systemDisk.read(path), marked = MARK.every((byte, i) => bytes[i] === byte);
  const start = bytes.subarray(marked ? MARK.length : 0).find((byte) => byte > SPACE);
  if (start !== BRACE || bytes.includes(0)) return { bytes };
  return { bytes, json: utf8Text(bytes, path) };
}

/** @throws {UsageError} for a path without a file. Other faults are reported when it is opened. */
async function requireFile(path: string): Promise<void> {
  const found = await systemDisk.stat(path);
  if (found && found.kind !== "folder") return;
  const got = found ? "a folder" : "nothing";
  throw new UsageError(`${path} is ${found ? "a folder" : "not there"}`, { expected: "the path of a file", got });
}

/** The bytes of a file, a block at a time. Each block is valid until the next one is asked for. */
export async function* fileParts(path: string): AsyncGenerator<Uint8Array> {
  await requireFile(path);
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (cause) {
    throw new UsageError(`cannot read ${path}`, { got: cause instanceof Error ? cause.message : String(cause), cause });
  }
  using opened = file;
  yield* parts(opened);
}

/** The bytes of standard input, a block at a time. Each block is valid until the next one is asked for. */
export const inputParts = (): AsyncGenerator<Uint8Array> => parts(Deno.stdin);

async function* parts(source: { read(into: Uint8Array): Promise<number | null> }): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(BLOCK);
  for (let count = await source.read(block); count !== null; count = await source.read(block)) {
    yield block.subarray(0, count);
  }
}

/** What takes the ids or texts of one line after another. */
export interface Sink {
  /** Some ids of a line. The array is valid until the next call. */
  ids(ids: Uint32Array): void;
  /** A part of the text of a line. */
  text(text: string): void;
  /** The line is complete. */
  end(): void;
  flush(options?: { enough: number }): Promise<void>;
}

/** Text for standard output, written in large blocks. */
export class Output {
  #bytes = new Uint8Array(2 * BLOCK);
  #length = 0;
  readonly #digits = new Uint8Array(10);

  /** Adds text; it is written by `flush`. */
  add(text: string): void {
    this.#reserve(3 * text.length);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Adds one byte. This is faster than a text of one character. */
  addByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Adds numbers with spaces between. */
  addNumbers(numbers: Uint32Array): void {
    this.#reserve(11 * numbers.length);
    const bytes = this.#bytes, digits = this.#digits;
    let length = this.#length;
    for (let i = 0; i < numbers.length; i++) {
      if (i > 0) bytes[length++] = SPACE;
      let rest = at(numbers, i), count = 0;
      do {
        digits[count++] = ZERO + rest % 10;
        rest = Math.floor(rest / 10);
      } while (rest > 0);
      while (count > 0) bytes[length++] = at(digits, --count);
    }
    this.#length = length;
  }

  /** Writes what has been added, or waits for more unless there are `enough` bytes. */
  async flush({ enough = 0 }: { enough?: number } = {}): Promise<void> {
    if (this.#length < enough) return;
    try {
      for (let at = 0; at < this.#length;) at += await Deno.stdout.write(this.#bytes.subarray(at, this.#length));
    } catch (error) {
      // The reader has closed the pipe, as `head` does. This is not an error.
      if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
      throw error;
    }
    this.#length = 0;
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + extra));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
