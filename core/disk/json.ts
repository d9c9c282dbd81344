/** JSON that nobody vouches for: its length is limited before it is parsed. */
import { HymbaError } from "../errors.ts";

/**
 * Longest JSON that is parsed unless a caller knows better, in UTF-16 units: fifty times what this program writes. JSON.parse
 * makes up to 26 times the file out of hostile brackets, so it is the length that bounds what a file can take.
 */
export const MAX_JSON = 2 ** 20;

/** Parses JSON that nobody vouches for. Throws a HymbaError with the file's name when it is none, or longer than `most`. */
export function parseJson(source: string, name: string, { most = MAX_JSON } = {}): unknown {
  if (source.length > most) {
    throw new HymbaError(`${name} is too large`, {
      expected: `at most ${most} characters`,
      got: `${source.length} characters`,
    });
  }
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new HymbaError(`${name} is damaged`, {
      expected: "JSON",
      got: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
