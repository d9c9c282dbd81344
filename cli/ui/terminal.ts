/** Makes untrusted text safe for the terminal: names of files, adapters and models, and texts of runs. */

const hex = (unit: number) => `\\u${unit.toString(16).padStart(4, "0")}`;

/**
 * The text with characters escaped that control a terminal or disguise text: control, bidi and invisible characters and lone
 * surrogates become `\uXXXX`, as in JSON, so that JSON stays valid. Line ends and tabs stay.
 */
export function escaped(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return Array.from({ length: character.length }, (_, i) => hex(character.charCodeAt(i))).join("");
  });
}

const onTerminal = Deno.stdout.isTerminal();

/** Whether an environment variable may be read. Commands run without that permission, too. */
const mayRead = (variable: string) => Deno.permissions.querySync({ name: "env", variable }).state === "granted";

/**
 * The width for text on standard output: that of the terminal. In pipes and files it is the variable COLUMNS; without it
 * nothing is folded.
 */
export function outputColumns(): number {
  if (onTerminal) return terminalColumns();
  const asked = mayRead("COLUMNS") ? Number(Deno.env.get("COLUMNS") ?? NaN) : NaN;
  return Number.isInteger(asked) && asked > 0 ? asked : Infinity;
}

/** Width of a help page in a pipe or file, and the smallest width. */
const PAGE_COLUMNS = 80, LEAST_COLUMNS = 40;

/** Width of a help page: at most 80, because longer lines are hard to read. */
export const pageColumns = (): number => Math.max(LEAST_COLUMNS, Math.min(PAGE_COLUMNS, outputColumns()));

/** Columns of the terminal. */
export function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // not every terminal reports its width
  }
}

/** Text for standard output: escaped on a terminal, unchanged in pipes and files. */
export const forOutput = (text: string): string => onTerminal ? escaped(text) : text;

/** Prints untrusted text without a line end: escaped on a terminal, unchanged in pipes and files. */
export async function writeText(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(forOutput(text));
  try {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  } catch (error) {
    // The reader has closed the pipe, as `head` does. This is not an error.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw error;
  }
}

/** Prints a line of untrusted text. */
export const printText = (text: string): Promise<void> => writeText(`${text}\n`);

/** From now on, everything that `console` prints is escaped. */
export function escapeConsole(): void {
  for (const name of ["log", "error"] as const) {
    const print = console[name].bind(console);
    console[name] = (...values: unknown[]) =>
      print(...values.map((value) => typeof value === "string" ? escaped(value) : value));
  }
}
