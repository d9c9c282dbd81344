/** Recognises text in UTF-16 and UTF-32 before it is read as UTF-8. */

/** Bytes that are examined. */
const SAMPLE = 4096;
/** In a European text in UTF-16, at least this share of the high bytes is zero. */
const ZERO_SHARE = 0.3;
/** In a text of another alphabet in UTF-16 (Russian, Greek, Hindi), spaces and marks have high bytes of zero; the others have one value. */
const SPACE_SHARE = 0.05, TWO_VALUES = 0.9;

/** Fewest bytes that can be called UTF-32 without a mark. */
const LEAST_WIDE = 64;

/** How often each byte is at every `step`th place from `from` on, as shares. */
function shares(bytes: Uint8Array, from: number, step: number): number[] {
  const counts = new Array<number>(256).fill(0);
  let all = 0;
  for (let i = from; i < bytes.length; i += step, all++) counts[bytes[i] ?? 0] = (counts[bytes[i] ?? 0] ?? 0) + 1;
  return counts.map((count) => count / Math.max(1, all));
}

/** Whether these are the high bytes of UTF-16: many are zero, or some are and most others have one value below 32. */
function areHighBytes([zero = 0, ...others]: readonly number[]): boolean {
  const most = Math.max(...others.slice(0, 31));
  return zero >= ZERO_SHARE || zero >= SPACE_SHARE && zero + most >= TWO_VALUES;
}

/**
 * The name of the encoding, when the start of a file is UTF-16 or UTF-32: by its byte order mark, or by the bytes that it has in
 * every second or fourth place. Undefined for anything else.
 */
export function wideName(start: Uint8Array): "UTF-16LE" | "UTF-16BE" | "UTF-32LE" | "UTF-32BE" | undefined {
  const bytes = start.subarray(0, Math.min(SAMPLE, start.length) & ~3),
    [a, b, c, d] = [0, 1, 2, 3]
      .map((place) => shares(bytes, place, 4)[0] ?? 0);
  if (bytes.length >= LEAST_WIDE && d === 1 && (c ?? 0) > 0.9 && (a ?? 0) < 0.1) return "UTF-32LE";
  if (bytes.length >= LEAST_WIDE && a === 1 && (b ?? 0) > 0.9 && (d ?? 0) < 0.1) return "UTF-32BE";
  if (start[0] === 0xff && start[1] === 0xfe) return "UTF-16LE";
  if (start[0] === 0xfe && start[1] === 0xff) return "UTF-16BE";
  const units = start.subarray(0, Math.min(SAMPLE, start.length) & ~1);
  if (units.length < 4) return undefined;
  const even = shares(units, 0, 2), odd = shares(units, 1, 2), few = ZERO_SHARE / 10;
  if (Math.min(even[0] ?? 0, odd[0] ?? 0) > few) return undefined;
  return areHighBytes(odd) ? "UTF-16LE" : areHighBytes(even) ? "UTF-16BE" : undefined;
}

/** The program that unpacks a file that starts like this; undefined for other files. */
export function packedBy(start: Uint8Array): "gzip" | "zstd" | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return "gzip";
  return [0x28, 0xb5, 0x2f, 0xfd].every((byte, i) => start[i] === byte) ? "zstd" : undefined;
}

/** What to do about a file in UTF-16 or UTF-32. */
export const wideHint = (name: string): string => `convert it, for example with iconv -f ${name} -t UTF-8`;
