/** Colours of text on the terminal. */
import { settings } from "./settings.ts";

const mayRead = (variable: string) => Deno.permissions.querySync({ name: "env", variable }).state === "granted";

/** Whether text for a stream has colours: by --color, else on a terminal without NO_COLOR. */
export function hasColor(stream: { isTerminal(): boolean }): boolean {
  const { color } = settings();
  if (color !== "auto") return color === "always";
  return stream.isTerminal() && !(mayRead("NO_COLOR") && Deno.env.get("NO_COLOR"));
}

const painted = (code: number) => (text: string, on: boolean) => on ? `\x1b[${code}m${text}\x1b[0m` : text;

/**
 * Prints a line that may have colours, which `console` would escape. Everything untrusted in it has to be escaped before.
 */
export function printStyled(line: string, stream: { writeSync(bytes: Uint8Array): number }): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

export const bold = painted(1);
export const dim = painted(2);
export const red = painted(31);
