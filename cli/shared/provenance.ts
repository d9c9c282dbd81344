/** Facts for the record of a run: the commit of the program, its kernels, and the processor. */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { kernelsHash } from "../../core/backend/kernels_hash.ts";
import type { OpenBackend } from "../../core/backend/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import type { Environment } from "../../core/study/preparation.ts";

/** The folder of the program. */
const ROOT = new URL("../../", import.meta.url);

const granted = async (permission: Deno.PermissionDescriptor) =>
  (await Deno.permissions.query(permission)).state === "granted";

async function git(...words: string[]): Promise<string | undefined> {
  const command = new Deno.Command("git", { args: ["-C", fileURLToPath(ROOT), ...words], stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

/**
 * The commit of the program, and whether tracked files differ from it. Undefined if the program's folder is not the root of a
 * repository, if git is missing, or if this process may not run it.
 */
async function commitOf(): Promise<Environment["program"]> {
  if (ROOT.protocol !== "file:" || !await granted({ name: "run", command: "git" })) return undefined;
  const path = new URL(".git", ROOT);
  if (!await granted({ name: "read", path }) || !await systemDisk.stat(fileURLToPath(path))) return undefined;
  try {
    const commit = await git("rev-parse", "HEAD"), changes = await git("status", "--porcelain", "--untracked-files=no");
    return commit === undefined || changes === undefined ? undefined : { commit, dirty: changes !== "" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // git is not installed
    throw error;
  }
}

/** The fields of a run record about program and machine. Unknown facts are left out. */
export async function provenance(
  opened: Pick<OpenBackend, "backend" | "adapter">,
): Promise<Pick<Environment, "program" | "kernels" | "processor">> {
  const processor = await granted({ name: "sys", kind: "cpus" }) ? cpus()[0]?.model : undefined;
  const program = await commitOf(), kernels = await kernelsHash(systemDisk, opened);
  return { ...program && { program }, ...kernels && { kernels }, ...processor && { processor } };
}
