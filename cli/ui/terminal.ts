/** Makes untrusted text safe for the terminal: names of files, adapters and models, and texts of runs. */

const hex = (unit: number) => `\\u${unit.toString(16).padStart(4, "0")}`;

/**
 * The text with characters escaped that control a terminal or disguise text: control, bidi and invisible characters and lone
 * surrogates become `\uXXXX`, as in JSON, so that JSON stays valid. Line ends and tabs stay.
 */
export function defused(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return Array.from({ length: character.length }, (_, i) => hex(character.charCodeAt(i))).join("");
  });
}

/** An error of the parser without its colours. Words that it repeats from the command line are defused. */
// deno-lint-ignore no-control-regex
export const withoutColours = (text: string): string => defused(text.replace(/\x1b\[[\d;]*m/g, ""));

const onTerminal = Deno.stdout.isTerminal();

/** Text for standard output: defused on a terminal, unchanged in pipes and files. */
export const forOutput = (text: string): string => onTerminal ? defused(text) : text;

/** Prints untrusted text without a line end: defused on a terminal, unchanged in pipes and files. */
export async function writeText(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(forOutput(text));
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

/** Prints a line of untrusted text. */
export const printText = (text: string): Promise<void> => writeText(`${text}\n`);

/** From now on, everything that `console` prints is defused. */
export function defuseConsole(): void {
  for (const name of ["log", "error"] as const) {
    const print = console[name].bind(console);
    console[name] = (...values: unknown[]) =>
      print(...values.map((value) => typeof value === "string" ? defused(value) : value));
  }
}
