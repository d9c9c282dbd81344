/** Packages with native code, which some systems do not load. */
import { HymbaError } from "../errors.ts";

const REASONS: readonly (readonly [message: RegExp, hint: string])[] = [
  [
    /failed to map segment|Operation not permitted/,
    "is the cache folder of Deno mounted noexec? Set DENO_DIR to a folder on another file system",
  ],
  [
    /GLIBC|GLIBCXX|ld-linux|libc\.so|Error loading shared library|Error relocating/,
    "it needs glibc: use Debian, Ubuntu, Fedora or another system with glibc, not one with musl (Alpine)",
  ],
];

/** The messages of an error and of those that it follows from. */
function messagesOf(cause: unknown): string {
  const found: string[] = [];
  for (let at = cause; at instanceof Error && found.length < 8; at = at.cause) found.push(at.message);
  return found.join("\n");
}

/** Why the system does not load native code, as a hint; undefined for any other failure. */
export const nativeHint = (cause: unknown): string | undefined => {
  const messages = messagesOf(cause);
  return REASONS.find(([pattern]) => pattern.test(messages))?.[1];
};

/** Imports a package with native code. Throws a HymbaError where the system does not load it; `without` says how to do without it. */
export async function loadNative<T>(
  name: string,
  load: () => Promise<T>,
  { without }: { without?: string } = {},
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const hint = nativeHint(cause);
    if (hint === undefined) throw cause;
    throw new HymbaError(`the native code of the package ${name} cannot be loaded`, {
      got: messagesOf(cause).split("\n", 1)[0],
      hint: without === undefined ? hint : `${hint}; ${without}`,
      cause,
    });
  }
}
