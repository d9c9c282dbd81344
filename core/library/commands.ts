/** Commands of the program, run from a notebook. */
import { HymbaError } from "../errors.ts";
import { thisHost } from "../system/host.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url), CONFIG = new URL("../../deno.json", import.meta.url);

/**
 * Runs a command of the program, such as `hymba("ablate", "--preset", "smoke", "--out", "run")`, and resolves to what it prints. Throws
 * HymbaError with its words when it fails. Only in Deno.
 */
export async function hymba(...words: string[]): Promise<string> {
  if (thisHost() !== "deno") throw new HymbaError("commands run only in Deno");
  const args = ["run", "-A", "--no-check", "--config", new URL(CONFIG).pathname, new URL(MAIN).href, ...words];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new HymbaError(`hymba ${words.join(" ")} failed`, { got: decoder.decode(stderr).trim() });
}
