/** What a command says besides its result, on standard error. */
import { settings } from "./settings.ts";

/** Says something about the work. Left out with --quiet. */
export function say(line: string): void {
  if (!settings().quiet) console.error(line);
}

/** Says what only a reader of details wants to know. Only with --verbose. */
export function sayInDetail(line: string): void {
  if (settings().verbose) console.error(line);
}
