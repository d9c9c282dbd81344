/** Runs this program again in a child process: after the loss of a GPU device, and if its import map is missing. */
import { passesSignals, thisPlatform } from "../../core/system/mod.ts";

const ALL: readonly Deno.PermissionName[] = ["read", "write", "env", "sys", "net", "run", "ffi"];

/** A child process gets all permissions, so only a process with all permissions may start one. */
export const holdsAllPermissions = (): boolean =>
  ALL.every((name) => Deno.permissions.querySync({ name }).state === "granted");

/**
 * Flags of Deno for this program: its configuration with the import map, and the lock file, which pins every package. A program
 * that was loaded from a URL has its import map there and no lock file. `root` is the address of the project's folder.
 */
export async function denoFlags(root: string = new URL("../../", import.meta.url).href): Promise<string[]> {
  const beside = (name: string) => new URL(name, root);
  if (!root.startsWith("file:")) return ["--no-config", "--import-map", beside("imports.json").href];
  // A dynamic import: most starts need no child process.
  const { fileURLToPath } = await import("node:url");
  return ["--config", fileURLToPath(beside("deno.json")), `--lock=${fileURLToPath(beside("deno.lock"))}`, "--frozen"];
}

/** Runs this process's command again, with more environment variables, and resolves to its exit code. */
export async function runAgain(env: Record<string, string>): Promise<number> {
  const args = Deno.build.standalone ? Deno.args : ["run", "-A", ...await denoFlags(), Deno.mainModule, ...Deno.args];
  const child = new Deno.Command(Deno.execPath(), { args, env }).spawn();
  if (!passesSignals(thisPlatform)) return (await child.status).code;
  // The terminal sends Ctrl-C to the child process itself; SIGTERM is passed on.
  const ignore = () => {}, passOn = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", ignore);
  Deno.addSignalListener("SIGTERM", passOn);
  const { code } = await child.status;
  Deno.removeSignalListener("SIGINT", ignore);
  Deno.removeSignalListener("SIGTERM", passOn);
  return code;
}
