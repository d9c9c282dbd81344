/** Blocks of whole lines from a stream of bytes. */
import { UsageError } from "../errors.ts";
import { ByteBuffer, validLength } from "./bytes.ts";
import { packedBy, wideHint, wideName } from "./encoding.ts";
import { lineTooLong, MAX_LINE_BYTES } from "./train/word_counts.ts";

const NEWLINE = 0x0a;

/**
 * Blocks of whole lines, decoded. A line that is longer than training allows is refused before it is in memory.
 * @throws {UsageError} with the offset when the bytes are not UTF-8, with the line when one is too long.
 */
export async function* textBlocks(parts: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const waiting = new ByteBuffer(1 << 16), decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let offset = 0, line = 1;
  const decode = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes);
    } catch {
      const at = firstMalformed(bytes);
      throw new UsageError(`${name} is not UTF-8`, {
        expected: "text in UTF-8",
        got: `byte 0x${bytes[at]?.toString(16)} at offset ${offset + at}`,
        hint: "convert it, for example with iconv -t UTF-8",
      });
    }
  };
  for await (const part of parts) {
    if (offset + waiting.length === 0) requireUtf8Start(part, name);
    const last = part.lastIndexOf(NEWLINE);
    if (last < 0) {
      waiting.append(part);
      if (waiting.length > MAX_LINE_BYTES) throw lineTooLong(line, waiting.length);
      continue;
    }
    waiting.append(part.subarray(0, last + 1));
    for (const byte of waiting.view()) line += Number(byte === NEWLINE);
    const block = decode(waiting.view());
    offset += waiting.length;
    waiting.length = 0;
    waiting.append(part.subarray(last + 1));
    yield block;
  }
  if (waiting.length > 0) yield decode(waiting.view());
}

/** Throws a UsageError when the start of a file shows that it is packed, or in UTF-16 or UTF-32. */
function requireUtf8Start(start: Uint8Array, name: string): void {
  const packed = packedBy(start), other = wideName(start), expected = "text in UTF-8";
  if (packed) {
    throw new UsageError(`${name} is packed`, {
      expected,
      got: packed,
      hint: `unpack it first, for example with ${packed} -d`,
    });
  }
  if (other) throw new UsageError(`${name} is not UTF-8`, { expected, got: other, hint: wideHint(other) });
}

function firstMalformed(bytes: Uint8Array): number {
  let at = 0;
  for (let length = 1; at < bytes.length && length > 0; at += length) {
    length = validLength(bytes, { at, end: bytes.length });
  }
  return at;
}
