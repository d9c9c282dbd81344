/** Parses untrusted JSON. Its length is limited before it is parsed. */
import { HymbaError } from "../errors.ts";

/**
 * Default limit on the length of JSON (UTF-16 units): fifty times the longest that this program writes. For hostile input
 * JSON.parse uses up to 26 times the memory of the file, so a limit on the length also limits the memory.
 */
export const MAX_JSON = 2 ** 20;

/** Parses untrusted JSON. Throws a HymbaError with the file's name when it is invalid or longer than `most`. */
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
      got: withoutContent(cause),
    });
  }
}

/** The message of a parse error without the part of the file that V8 quotes in it: a link may lead to a private file. */
function withoutContent(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/, (?:"|\.\.\.).*$/s, "");
}
