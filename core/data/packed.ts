/** Reads files that are packed with gzip or Zstandard, so that users need not unpack a text. */
import type { Disk, Ranges } from "../disk/mod.ts";
import { HymbaError, UsageError } from "../errors.ts";

/** The first bytes of each format. A skippable frame of Zstandard begins with any of 16 bytes. */
const FORMS = [
  { name: "gzip", first: [[0x1f, 0x8b]] },
  {
    name: "Zstandard",
    first: [[0x28, 0xb5, 0x2f, 0xfd], ...Array.from({ length: 16 }, (_, i) => [0x50 + i, 0x2a, 0x4d, 0x18])],
  },
] as const;

/** Bytes that are read at a time. */
const PIECE = 2 ** 20;

/** Sizes of two fields of a frame header, the dictionary id and the content size (bytes), by their codes in its first byte. */
const DICTIONARY = [0, 1, 2, 4], CONTENT = [0, 2, 4, 8];

/** The error of a file that ends within a frame. */
class Truncated extends Error {
  override readonly message = "a part of one";
}

/** Reads a file from front to back. */
class Cursor {
  at = 0;

  constructor(private readonly file: Ranges) {}

  get isAtEnd(): boolean {
    return this.at === this.file.bytes;
  }

  /** The next bytes, which stay in front of the cursor. Throws a Truncated if there are fewer. */
  see(count: number): Uint8Array<ArrayBuffer> {
    if (this.at + count > this.file.bytes) throw new Truncated();
    const bytes = new Uint8Array(count);
    this.file.read(this.at, bytes);
    return bytes;
  }

  /** The next bytes. Throws a Truncated if there are fewer. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const bytes = this.see(count);
    this.at += count;
    return bytes;
  }

  /** Skips without reading. Throws a Truncated beyond the end. */
  skip(count: number): void {
    if (this.at + count > this.file.bytes) throw new Truncated();
    this.at += count;
  }
}

const isSkippable = (start: Uint8Array): boolean => ((start[0] ?? 0) & 0xf0) === 0x50;

/** The Zstandard frame at the cursor: its header, then block by block, then its checksum. Throws a Truncated. */
function* frameAt(cursor: Cursor): Generator<Uint8Array<ArrayBuffer>> {
  const about = cursor.see(5)[4] ?? 0, single = about >> 5 & 1, content = about >> 6;
  const sizes = (DICTIONARY[about & 3] ?? 0) + (content === 0 ? single : CONTENT[content] ?? 0);
  yield cursor.take(5 + 1 - single + sizes);
  for (;;) {
    const [low = 0, middle = 0, high = 0] = cursor.see(3), header = low | middle << 8 | high << 16;
    const isRepeated = (header >> 1 & 3) === 1;
    yield cursor.take(3 + (isRepeated ? 1 : header >> 3));
    if (header & 1) break;
  }
  if (about & 4) yield cursor.take(4);
}

/**
 * The frames of a Zstandard file that have content, each in parts. Deno's decoder takes one frame at a time. The parts of a frame
 * have to be read before the next frame. Throws a Truncated, or an Error for bytes that begin no frame.
 */
function* framesIn(file: Ranges): Generator<Iterable<Uint8Array<ArrayBuffer>>> {
  const cursor = new Cursor(file);
  while (!cursor.isAtEnd) {
    const start = cursor.see(4);
    if (formOf(start)?.name !== "Zstandard") throw new Error(`other bytes at ${cursor.at}`);
    if (isSkippable(start)) cursor.skip(8 + new DataView(cursor.see(8).buffer).getUint32(4, true));
    else yield frameAt(cursor);
  }
}

/** A whole file in pieces. */
function* pieces(file: Ranges): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.bytes; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, file.bytes - at));
    file.read(at, piece);
    yield piece;
  }
}

/** The first bytes of a file. */
function startOf(file: Ranges): Uint8Array {
  const start = new Uint8Array(Math.min(4, file.bytes));
  file.read(0, start);
  return start;
}

const formOf = (start: Uint8Array) =>
  FORMS.find(({ first }) => first.some((bytes) => bytes.every((byte, i) => start[i] === byte)));

/** Whether a file is packed, by its first bytes. */
export async function isPacked(disk: Disk, path: string): Promise<boolean> {
  const file = await disk.openRanges(path);
  try {
    return formOf(startOf(file)) !== undefined;
  } finally {
    file.close();
  }
}

/**
 * The content of a file in parts, unpacked if it is packed. It is read as a stream. Throws a UsageError that names `path` for a
 * damaged file; the last parts of the file may be missing then.
 */
export async function* unpackedParts(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  const file = await disk.openRanges(path);
  try {
    const form = formOf(startOf(file));
    if (form === undefined) return yield* pieces(file);
    try {
      for (const frame of form.name === "gzip" ? [pieces(file)] : framesIn(file)) yield* decoded(frame, form.name);
    } catch (cause) {
      if (cause instanceof HymbaError) throw cause;
      const got = cause instanceof Error ? cause.message : String(cause);
      throw new UsageError(`${path} cannot be unpacked`, { expected: `a whole ${form.name} file`, got, cause });
    }
  } finally {
    file.close();
  }
}

/** The content of one gzip file or one Zstandard frame. Throws what the decoder or the source throws. */
async function* decoded(packed: Iterable<Uint8Array>, form: "gzip" | "Zstandard"): AsyncGenerator<Uint8Array> {
  // Loaded here, because texts that are not packed do not need it.
  const { createGunzip, createZstdDecompress } = await import("node:zlib"),
    { pipeline, Readable } = await import("node:stream");
  const decoder = form === "gzip" ? createGunzip() : createZstdDecompress();
  // An error of the source reaches the reader of the decoder.
  yield* pipeline(Readable.from(packed), decoder, () => {});
}

/** The unpacked content of a file. Throws a UsageError for a damaged file, and as soon as there are more than `most` bytes. */
export async function unpacked(disk: Disk, path: string, { most }: { most: number }): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of unpackedParts(disk, path)) {
    length += part.length;
    if (length > most) {
      throw new UsageError(`${path} is too long`, { expected: `at most ${most} bytes of text`, got: "more, unpacked" });
    }
    parts.push(part);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
