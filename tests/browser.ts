/** Runs scripts that use headless Chromium. Each is a process of its own, because its driver is not in the lock file. */
import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { programPath } from "./program_path.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/** The path of Chromium. Undefined, with the reason printed, if this machine has none. */
export async function chromiumPath(): Promise<string | undefined> {
  const found = await programPath(...BROWSERS);
  if (found === undefined) console.log("skipped: no chromium in the path");
  return found;
}

/**
 * Runs a script with the path of Chromium and `args`. Returns the JSON that it prints. Undefined, with the reason printed, if this
 * machine has no browser or no driver for it.
 */
export async function inChromium<T>(script: URL, args: readonly string[]): Promise<T | undefined> {
  const chromium = await chromiumPath();
  if (chromium === undefined) return undefined;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", fileURLToPath(script), chromium, ...args],
  });
  const { success, stdout, stderr } = await command.output(), said = new TextDecoder().decode(stderr);
  if (!success && stdout.length === 0 && /error: .*(npm package|npm registry|registry\.)/i.test(said)) {
    return void console.log(`skipped: no driver for the browser: ${said.split("\n")[0]}`);
  }
  assert.ok(success, said);
  return JSON.parse(new TextDecoder().decode(stdout));
}
