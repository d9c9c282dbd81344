/** The library as JavaScript modules, built once for the tests of a file. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const decoder = new TextDecoder();

/** A bundler that is not there: Deno fetches it from npm. */
const UNREACHABLE = /error: .*(npm package|npm registry|registry\.|esbuild)/i;

/** Builds the library into a folder. Undefined, with the reason printed, where the bundler cannot be fetched. */
export async function buildLibrary(folder: string): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command("bash", { args: [".ci/library", folder], cwd: ROOT }).output();
  const said = decoder.decode(stderr);
  if (!success && UNREACHABLE.test(said)) return void console.log(`skipped: no bundler: ${said.split("\n")[0]}`);
  assert.ok(success, said);
  return folder;
}
