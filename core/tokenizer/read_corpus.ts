/** Blocks of whole lines from a stream of bytes. */
import { ByteBuffer, textOf } from "./bytes.ts";
import { lineTooLong, MAX_LINE_BYTES } from "./train/word_counts.ts";
import { utf8Parts } from "./utf8_text.ts";

const NEWLINE = 0x0a;

/**
 * Blocks of whole lines, decoded, without a byte order mark at the start. A line that is longer than training allows is refused
 * before it is in memory.
 * @throws {UsageError} with the offset when the bytes are not UTF-8, with the line when one is too long.
 */
export async function* textBlocks(parts: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const waiting = new ByteBuffer(1 << 16);
  let line = 1;
  for await (const { bytes: part } of utf8Parts(parts, name)) {
    const last = part.lastIndexOf(NEWLINE);
    if (last < 0) {
      waiting.append(part);
      if (waiting.length > MAX_LINE_BYTES) throw lineTooLong(line, waiting.length);
      continue;
    }
    waiting.append(part.subarray(0, last + 1));
    for (const byte of waiting.view()) line += Number(byte === NEWLINE);
    const block = textOf(waiting.view());
    waiting.length = 0;
    waiting.append(part.subarray(last + 1));
    yield block;
  }
  if (waiting.length > 0) yield textOf(waiting.view());
}
