/** The one door to the terminal: names of files, adapters, models and texts of runs may come from anybody. */

const hex = (unit: number) => `\\u${unit.toString(16).padStart(4, "0")}`;

/**
 * Text without what acts on a terminal or disguises text (control, bidi and invisible characters, lone surrogates): each becomes
 * `\uXXXX`, as JSON would write it, so that JSON stays JSON. Line ends and tabs stay.
 */
export function defused(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    return Array.from({ length: character.length }, (_, i) => hex(character.charCodeAt(i))).join("");
  });
}

/** The parser's own words about a command line: its colours go, and what it repeats of the words is defused. */
// deno-lint-ignore no-control-regex
export const withoutColours = (text: string): string => defused(text.replace(/\x1b\[[\d;]*m/g, ""));

const onTerminal = Deno.stdout.isTerminal();

/** Text for standard output: defused where a terminal shows it, unchanged in pipes and files. */
export const forOutput = (text: string): string => onTerminal ? defused(text) : text;

/** Prints a line of text that a person or program gave or a model wrote: unchanged into pipes and files. */
export async function printText(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${forOutput(text)}\n`);
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

/** From now on everything that the program prints by `console` is defused. */
export function defuseConsole(): void {
  for (const name of ["log", "error"] as const) {
    const print = console[name].bind(console);
    console[name] = (...values: unknown[]) =>
      print(...values.map((value) => typeof value === "string" ? defused(value) : value));
  }
}
