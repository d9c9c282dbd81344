/** Blocks of whole lines from a stream of bytes. */
import { UsageError } from "../errors.ts";
import { ByteBuffer, validLength } from "./bytes.ts";
import { utf16Hint, utf16Name } from "./encoding.ts";
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
    const other = offset + waiting.length === 0 ? utf16Name(part) : undefined;
    if (other) {
      throw new UsageError(`${name} is not UTF-8`, { expected: "text in UTF-8", got: other, hint: utf16Hint(other) });
    }
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

function firstMalformed(bytes: Uint8Array): number {
  let at = 0;
  for (let length = 1; at < bytes.length && length > 0; at += length) {
    length = validLength(bytes, { at, end: bytes.length });
  }
  return at;
}
