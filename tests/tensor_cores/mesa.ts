/** Runs Deno with a Mesa of its own, whose lavapipe has subgroup matrices. `HYMBA_MESA` names the folder that `mesa.sh` made. */
import { join, resolve } from "node:path";

/** The folder of Mesa; undefined, with the reason printed, where there is none. */
export async function mesaFolder(): Promise<string | undefined> {
  const folder = Deno.env.get("HYMBA_MESA");
  if (folder && await Deno.stat(join(folder, "lvp.json")).then(() => true, () => false)) return resolve(folder);
  console.log(
    folder
      ? `skipped: HYMBA_MESA=${folder} has no lvp.json; tests/tensor_cores/mesa.sh makes that folder`
      : "skipped: HYMBA_MESA does not name a folder with Mesa 26 (tests/tensor_cores/mesa.sh makes one)",
  );
  return undefined;
}

/**
 * `deno` with these arguments on that Mesa. It was built for a newer C library, so the program is started by that library's loader.
 * Subgroups of 8 lanes: with 4 lavapipe has no matrices, with 16 it crashes.
 */
export function onMesa(folder: string, args: readonly string[], env: Record<string, string> = {}): Deno.Command {
  const libraries = join(folder, "usr/lib/x86_64-linux-gnu"), driver = join(folder, "lvp.json");
  return new Deno.Command(join(libraries, "ld-linux-x86-64.so.2"), {
    args: ["--library-path", libraries, Deno.execPath(), ...args],
    env: { ...env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LP_NATIVE_VECTOR_WIDTH: "256" },
  });
}
