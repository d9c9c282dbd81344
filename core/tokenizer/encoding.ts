/** Recognises text in UTF-16 before it is read as UTF-8. */

/** Bytes that are examined. */
const SAMPLE = 4096;
/** In a European text in UTF-16, at least this share of the high bytes is zero. */
const ZERO_SHARE = 0.3;

/**
 * The name of the encoding, when the start of a file is UTF-16: by its byte order mark, or by the zero bytes that it has in
 * every other place. Undefined for anything else.
 */
export function utf16Name(start: Uint8Array): "UTF-16LE" | "UTF-16BE" | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return "UTF-16LE";
  if (start[0] === 0xfe && start[1] === 0xff) return "UTF-16BE";
  const length = Math.min(SAMPLE, start.length) & ~1;
  let even = 0, odd = 0;
  for (let i = 0; i < length; i += 2) {
    even += Number(start[i] === 0);
    odd += Number(start[i + 1] === 0);
  }
  const most = ZERO_SHARE * length / 2;
  if (length < 4 || Math.min(even, odd) > most / 10) return undefined;
  return odd >= most ? "UTF-16LE" : even >= most ? "UTF-16BE" : undefined;
}

/** What to do about a file in UTF-16. */
export const utf16Hint = (name: string): string => `convert it, for example with iconv -f ${name} -t UTF-8`;
