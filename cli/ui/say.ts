/** Messages of a command besides its result, on standard error. */
import { settings } from "./settings.ts";

/** Prints a message, except with --quiet. */
export function say(line: string): void {
  if (!settings().quiet) console.error(line);
}
