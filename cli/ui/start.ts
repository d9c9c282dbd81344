/** Checks before the program is loaded: the version of Deno, and the import map. */
import { HymbaError, UsageError } from "../../core/errors.ts";
import { holdsAllPermissions, runAgain } from "./child.ts";

/** Deno 2.7 cannot import a file as text, as the kernels need, and 2.8.0 cannot import node: modules from such a program. */
const LEAST_DENO = "2.8.1";
/** Set in a child process, so that a second failure is reported and not repeated. */
const MAPPED = "HYMBA_MAPPED";

/** Whether a version of Deno (`2.9.6`) is new enough. */
export function isNewEnough(version: string): boolean {
  return version.localeCompare(LEAST_DENO, "en", { numeric: true }) >= 0;
}

/** Throws a HymbaError when this Deno is too old for the program. */
export function requireDeno(version = Deno.version.deno): void {
  if (isNewEnough(version)) return;
  throw new HymbaError("this Deno is too old", {
    expected: `Deno ${LEAST_DENO} or newer`,
    got: `Deno ${version}`,
    hint: "deno upgrade, or run it with npx --yes deno@2.9.6",
  });
}

/** Whether Deno was given the program's import map. */
function hasImportMap(): boolean {
  try {
    import.meta.resolve("valibot");
    return true;
  } catch {
    return false;
  }
}

/**
 * `deno install -g` does not store the import map. Then the program runs itself again with its import map and ends with that
 * exit code. Throws a UsageError when this process may not start another.
 */
export async function requireImportMap(): Promise<void> {
  if (Deno.build.standalone || hasImportMap()) return;
  const hint = "install it with: deno install -g -A -n hymba --config deno.json cli/main.ts";
  if (!holdsAllPermissions()) throw new UsageError("the import map of hymba is missing", { hint });
  if (Deno.env.get(MAPPED)) throw new HymbaError("the import map of hymba cannot be read", { hint });
  Deno.exit(await runAgain({ [MAPPED]: "1" }));
}
