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

/** The end of the Zstandard frame that begins at `start`. It is beyond the end of the file if the frame is truncated. */
function endOfFrame(view: DataView, start: number): number {
  const byte = (at: number) => at < view.byteLength ? view.getUint8(at) : 0;
  if ((byte(start) & 0xf0) === 0x50) {
    return start + 8 + (start + 8 <= view.byteLength ? view.getUint32(start + 4, true) : 1);
  }
  const about = byte(start + 4), single = about >> 5 & 1, content = about >> 6;
  const sizes = (DICTIONARY[about & 3] ?? 0) + (content === 0 ? single : CONTENT[content] ?? 0);
  let at = start + 5 + (1 - single) + sizes;
  for (;;) {
    const header = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16, isRepeated = (header >> 1 & 3) === 1;
    if (at + 3 > view.byteLength) return view.byteLength + 1;
    at += 3 + (isRepeated ? 1 : header >> 3);
    if (header & 1) return at + (about & 4 ? 4 : 0);
  }
}

/** The frames of a Zstandard file, which Deno's decoder takes one at a time. Undefined if the last one is truncated. */
function framesOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), frames: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = endOfFrame(view, at);
    if (end > bytes.length) return undefined;
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

/** A whole file in pieces. */
function* pieces(file: Ranges): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < file.bytes; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, file.bytes - at));
    file.read(at, piece);
    yield piece;
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
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
 * The content of a file in parts, unpacked if it is packed. A gzip file is read as a stream. A packed Zstandard file is read
 * into memory, because its frames have to be found. Throws a UsageError that names `path` for a damaged file.
 */
export async function* unpackedParts(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  const file = await disk.openRanges(path);
  try {
    const form = formOf(startOf(file));
    if (form === undefined) return yield* pieces(file);
    const expected = `a whole ${form.name} file`, packed = form.name === "gzip" ? [pieces(file)] : framesIn(file);
    if (!packed) throw new UsageError(`${path} cannot be unpacked`, { expected, got: "a part of one" });
    try {
      // Loaded here, because texts that are not packed do not need it.
      const { createGunzip, createZstdDecompress } = await import("node:zlib"),
        { Readable } = await import("node:stream");
      for (const frame of packed) {
        const stream = form.name === "gzip" ? createGunzip() : createZstdDecompress();
        for await (const part of Readable.from(frame).pipe(stream)) yield part;
      }
    } catch (cause) {
      if (cause instanceof HymbaError) throw cause;
      const got = cause instanceof Error ? cause.message : String(cause);
      throw new UsageError(`${path} cannot be unpacked`, { expected, got, cause });
    }
  } finally {
    file.close();
  }
}

/** The frames of a Zstandard file, each in pieces. Undefined if the last one is truncated. */
function framesIn(file: Ranges): Iterable<Uint8Array>[] | undefined {
  const bytes = new Uint8Array(file.bytes);
  file.read(0, bytes);
  return framesOf(bytes)?.map((frame) => piecesOf(frame));
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
