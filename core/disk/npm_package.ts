import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { HymbaError } from "../errors.ts";
import type { Disk } from "./disk.ts";

const HEARTBEAT_MS = 5000;

/**
 * Fetches an npm package that is not needed at every start. Returns the folder of its files.
 *
 * A second Deno process fetches it. Packages in this program's lock file are downloaded at every start, and other packages
 * cannot be imported. The child process resolves one exact version with the user's registry and runs none of the package's
 * code. Callers compare the files that they use with known SHA-256 digests.
 *
 * @param disk the disk with Deno's package cache
 * @param name an exact npm name and version, `@scope/name@1.2.3`
 */
export async function npmPackage(disk: Disk, name: string, { onProgress }: {
  onProgress?: (message: string) => void;
} = {}): Promise<string> {
  const specifier = JSON.stringify(`npm:${name}`);
  const script = `console.log(import.meta.resolve(${specifier})); if (Date.now() < 0) await import(${specifier});`;
  // A compiled program cannot run a script like Deno can.
  const program = Deno.build.standalone ? "deno" : Deno.execPath();
  const failed = (got: string, cause?: unknown) =>
    new HymbaError(`cannot fetch the npm package ${name}`, {
      got: got || "no output",
      hint: "check the network and the npm registry that is configured (npm config get registry)",
      cause,
    });
  const began = performance.now();
  const heartbeat = setInterval(() => {
    onProgress?.(`still fetching ${name} (${Math.round((performance.now() - began) / 1000)} s)`);
  }, HEARTBEAT_MS);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: ["eval", "--no-lock", "--no-config", script],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output().catch((cause) => {
    throw failed(`${program} cannot be started`, cause);
  }).finally(() => clearInterval(heartbeat));
  const entry = new TextDecoder().decode(stdout).trim();
  if (code !== 0 || !entry.startsWith("file:")) throw failed(new TextDecoder().decode(stderr).trim().slice(-1000));
  return await packageFolder(disk, fileURLToPath(entry));
}

/** The nearest folder above a package's entry file that has a package.json. */
async function packageFolder(disk: Disk, entry: string): Promise<string> {
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    if (await disk.stat(join(folder, "package.json"))) return folder;
  }
  throw new HymbaError(`the npm package around ${entry} has no package.json`, {
    hint: "clear Deno's cache: deno clean",
  });
}
