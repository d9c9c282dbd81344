/** Texts of a user: the bytes of a file or of standard input, which have to be UTF-8. */
import { UsageError } from "../errors.ts";
import { leadLength, validLength } from "./bytes.ts";
import { packedBy, SAMPLE, wideHint, wideName } from "./encoding.ts";

/** A byte order mark in UTF-8. */
const MARK = [0xef, 0xbb, 0xbf];
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Bytes of the longest character. */
const LONGEST = 4;

/** How to read a text. */
interface Reading {
  /** Pass the first bytes on at once, for a conversation, instead of waiting for enough to recognise another encoding. */
  readonly atOnce?: boolean;
}

/** A part of a text, which never ends within a character: its bytes, valid until the next part is asked for, and its text. */
interface Utf8Part {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * A text in parts, without a byte order mark at the start. `name`: what the text is called in errors.
 * @throws {UsageError} when the text is packed or in another encoding, with the offset of the first byte that is not UTF-8.
 */
export async function* utf8Parts(
  parts: AsyncIterable<Uint8Array>,
  name: string,
  { atOnce = false }: Reading = {},
): AsyncGenerator<Utf8Part> {
  let offset = 0, rest: Uint8Array = new Uint8Array(0);
  for await (const given of fullStart(parts, atOnce ? 1 : SAMPLE)) {
    const start = offset + rest.length === 0 ? withoutMark(given, name) : given;
    offset += given.length - start.length;
    const bytes = rest.length > 0 ? joined(rest, start) : start;
    const whole = bytes.subarray(0, bytes.length - unfinished(bytes));
    const text = decoded(whole, { name, offset });
    offset += whole.length;
    rest = bytes.slice(whole.length);
    if (text !== "") yield { bytes: whole, text };
  }
  if (rest.length > 0) throw notUtf8(name, { bytes: rest, offset });
}

/** {@link utf8Parts} of a text that is in memory. */
export function utf8Text(bytes: Uint8Array, name: string): string {
  const start = withoutMark(bytes, name);
  return decoded(start, { name, offset: bytes.length - start.length });
}

/** The text of whole characters. Throws a UsageError if they are not UTF-8. `offset`: their place in the file (bytes). */
function decoded(bytes: Uint8Array, { name, offset }: { name: string; offset: number }): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw notUtf8(name, { bytes, offset });
  }
}

/** The same bytes, with at least `least` in the first part unless there are fewer in all. */
async function* fullStart(parts: AsyncIterable<Uint8Array>, least: number): AsyncGenerator<Uint8Array> {
  let start: Uint8Array | undefined = new Uint8Array(0);
  for await (const part of parts) {
    if (start === undefined) {
      yield part;
      continue;
    }
    start = start.length === 0 && part.length >= least ? part : joined(start, part);
    if (start.length < least) continue;
    yield start;
    start = undefined;
  }
  if (start && start.length > 0) yield start;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The start of a text without a byte order mark. Throws a UsageError when it shows that the text is packed, or in UTF-16 or UTF-32. */
function withoutMark(start: Uint8Array, name: string): Uint8Array {
  const packed = packedBy(start), other = wideName(start), expected = "UTF-8";
  if (packed) {
    throw new UsageError(`${name} is packed`, {
      expected,
      got: packed,
      hint: `unpack it first, for example with ${packed} -d`,
    });
  }
  if (other) throw new UsageError(`${name} is not UTF-8 text`, { expected, got: other, hint: wideHint(other) });
  return MARK.every((byte, i) => start[i] === byte) ? start.subarray(MARK.length) : start;
}

/** How many bytes at the end belong to a character that later bytes can complete. */
function unfinished(bytes: Uint8Array): number {
  for (let count = 1; count < LONGEST && count <= bytes.length; count++) {
    const byte = bytes[bytes.length - count] ?? 0;
    if ((byte & 0xc0) !== 0x80) return byte >= 0xc0 && leadLength(byte) > count ? count : 0;
  }
  return 0;
}

function notUtf8(name: string, { bytes, offset }: { bytes: Uint8Array; offset: number }): UsageError {
  let at = 0;
  for (let length = 1; at < bytes.length && length > 0; at += length) {
    length = validLength(bytes, { at, end: bytes.length });
  }
  return new UsageError(`${name} is not UTF-8 text`, {
    expected: "UTF-8",
    got: `byte 0x${bytes[at]?.toString(16).padStart(2, "0")} at offset ${offset + at}`,
    hint: "convert it, for example with iconv -t UTF-8",
  });
}
