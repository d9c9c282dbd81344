/**
 * The errors that a user sees. Each says what went wrong, what was expected, what was found and what to do, and has the exit
 * code of the process: 1 if the work failed, 2 if the request was wrong.
 */

/** Makes text safe to print on a terminal: control, bidi and invisible characters become `\u{…}`; line breaks stay. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return character === "\n" ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** A name from a file or a command line, for an error: in quotes, escaped, its first 80 characters. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** A number with its noun: "1 byte", "2 bytes". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The optional parts of an error after its first sentence. */
export interface ErrorDetails {
  /** What was expected. */
  expected?: string;
  /** What was found. */
  got?: string;
  /** What to do now. */
  hint?: string;
  /** The error that caused this one. */
  cause?: unknown;
}

/** The work failed: exit code 1. */
export class HymbaError extends Error {
  /** Exit code of the process if the error is not handled. */
  readonly exitCode: number = 1;
  /** The error in parts, for programs. `message` is its first sentence. */
  readonly parts: { readonly message: string } & Pick<ErrorDetails, "expected" | "got" | "hint">;

  /** `what`: what went wrong, in a few words without a full stop. */
  constructor(what: string, { expected, got, hint, cause }: ErrorDetails = {}) {
    const lines = [what];
    if (expected !== undefined) lines.push(`  expected: ${expected}`);
    if (got !== undefined) lines.push(`  got:      ${got}`);
    if (hint !== undefined) lines.push(`  try:      ${hint}`);
    super(printable(lines.join("\n")), { cause });
    this.name = new.target.name;
    const part = (name: string, text: string | undefined) => text === undefined ? {} : { [name]: printable(text) };
    this.parts = {
      message: printable(what),
      ...part("expected", expected),
      ...part("got", got),
      ...part("hint", hint),
    };
  }
}

/** The request was wrong (flag, name, file that does not exist): exit code 2. */
export class UsageError extends HymbaError {
  /** 2: the request was wrong, not the work. */
  override readonly exitCode = 2;
}

/**
 * An error with the place in a file that led to it in front, such as `study.toml:4:9`. Interruptions and errors of the program
 * are returned unchanged.
 */
export function located(error: unknown, place: string): unknown {
  if (!(error instanceof HymbaError) || error instanceof Interrupted) return error;
  const { message, ...parts } = error.parts, details = { ...parts, cause: error };
  const Kind = error instanceof UsageError ? UsageError : HymbaError;
  return new Kind(`${place}: ${message}`, details);
}

/** Work that the caller stopped. Everything that is needed to continue is saved. */
export class Interrupted extends HymbaError {}

/**
 * Throws {@link Interrupted} when the signal has aborted. `work`: the current work, as in "stopped while …". `saved`: whether earlier
 * work is in files.
 */
export function throwIfStopped(signal: AbortSignal | undefined, work: string, { saved = true } = {}): void {
  if (signal?.aborted) throw new Interrupted(`stopped while ${work}${saved ? "; everything before is saved" : ""}`);
}

/** Numbers of a model became infinite or NaN. Its training is lost; other models are not affected. */
export class Diverged extends HymbaError {}

/** The GPU device was lost. Everything up to the last checkpoint is saved, and a new process can continue. */
export class DeviceLost extends HymbaError {}
