/** Recognises text in UTF-16 and UTF-32 before it is read as UTF-8. */

/** Bytes at the start of a file that are examined. */
export const SAMPLE = 4096;
/** In a European text in UTF-16, at least this share of the high bytes is zero. */
const ZERO_SHARE = 0.3;
/** In a text of another alphabet in UTF-16 (Russian, Greek, Hindi), spaces and marks have high bytes of zero; the others have one value. */
const SPACE_SHARE = 0.05, TWO_VALUES = 0.9;
/** UTF-16 that is UTF-8, too, has letters below U+2000 only: nearly all of its high bytes would be control characters in UTF-8. */
const CONTROLS = 32, CONTROL_SHARE = 0.9;

/** Fewest bytes that can be called UTF-32 without a mark. */
const LEAST_WIDE = 64;

/** How often each byte is at every `step`th place from `from` on, as shares. */
function shares(bytes: Uint8Array, from: number, step: number): number[] {
  const counts = new Array<number>(256).fill(0);
  let all = 0;
  for (let i = from; i < bytes.length; i += step, all++) counts[bytes[i] ?? 0] = (counts[bytes[i] ?? 0] ?? 0) + 1;
  return counts.map((count) => count / Math.max(1, all));
}

const controlShare = (shares: readonly number[]): number =>
  shares.slice(0, CONTROLS).reduce((sum, share) => sum + share, 0);

/**
 * Whether these are the high bytes of UTF-16: many are zero, or some are and most others have one value below 32. Where the bytes are
 * UTF-8, too, zeros alone prove nothing, because a text may have U+0000 in it.
 */
function areHighBytes(shares: readonly number[], { isUtf8 }: { isUtf8: boolean }): boolean {
  const [zero = 0, ...others] = shares.slice(0, CONTROLS);
  if (isUtf8) return zero >= SPACE_SHARE && controlShare(shares) >= CONTROL_SHARE;
  return zero >= ZERO_SHARE || zero >= SPACE_SHARE && zero + Math.max(...others) >= TWO_VALUES;
}

/** Whether bytes are UTF-8. The last character may be cut off. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** UTF-32 has zeros at two of four places, and at a third one what UTF-16 has in its high bytes. */
function wideOf32(bytes: Uint8Array): "UTF-32LE" | "UTF-32BE" | undefined {
  if (bytes.length < LEAST_WIDE) return undefined;
  const places = [0, 1, 2, 3].map((place) => shares(bytes, place, 4)),
    [a = 0, b = 0, c = 0, d = 0] = places.map(([zero]) => zero);
  const fits = (place: number) => !isUtf8(bytes) || controlShare(places[place] ?? []) >= CONTROL_SHARE;
  if (d === 1 && c > 0.9 && a < 0.1 && fits(1)) return "UTF-32LE";
  return a === 1 && b > 0.9 && d < 0.1 && fits(2) ? "UTF-32BE" : undefined;
}

/**
 * The name of the encoding, when the start of a file is UTF-16 or UTF-32: by its byte order mark, or by the bytes that it has in
 * every second or fourth place. Undefined for anything else.
 */
export function wideName(start: Uint8Array): "UTF-16LE" | "UTF-16BE" | "UTF-32LE" | "UTF-32BE" | undefined {
  const wide = wideOf32(start.subarray(0, Math.min(SAMPLE, start.length) & ~3));
  if (wide) return wide;
  if (start[0] === 0xff && start[1] === 0xfe) return "UTF-16LE";
  if (start[0] === 0xfe && start[1] === 0xff) return "UTF-16BE";
  const units = start.subarray(0, Math.min(SAMPLE, start.length) & ~1);
  if (units.length < 4) return undefined;
  const even = shares(units, 0, 2), odd = shares(units, 1, 2), few = ZERO_SHARE / 10;
  if (Math.min(even[0] ?? 0, odd[0] ?? 0) > few) return undefined;
  const how = { isUtf8: isUtf8(units) };
  return areHighBytes(odd, how) ? "UTF-16LE" : areHighBytes(even, how) ? "UTF-16BE" : undefined;
}

/** The program that unpacks a file that starts like this; undefined for other files. */
export function packedBy(start: Uint8Array): "gzip" | "zstd" | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return "gzip";
  return [0x28, 0xb5, 0x2f, 0xfd].every((byte, i) => start[i] === byte) ? "zstd" : undefined;
}

/** What to do about a file in UTF-16 or UTF-32. */
export const wideHint = (name: string): string => `convert it, for example with iconv -f ${name} -t UTF-8`;
