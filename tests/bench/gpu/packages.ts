/**
 * Writes the import map of the archive for GPUs, with only the packages that `hymba bench all` loads, in the versions of `imports.json`:
 * `deno run --allow-read --allow-write tests/bench/gpu/packages.ts FOLDER`.
 */
import { join } from "node:path";
import imports from "../../../imports.json" with { type: "json" };

/** The packages that `bench all` loads: command line, the list of characters in a font, study files, schemas of files, Dawn. */
export const NEEDED = ["@fontsource/inter", "@optique/core", "smol-toml", "valibot", "webgpu"] as const;

/** The import map with only these packages. */
export const packedImports = (all: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).filter(([name]) => NEEDED.some((needed) => name === needed || name === `${needed}/`)),
  );

if (import.meta.main) {
  const [folder = ""] = Deno.args;
  await Deno.writeTextFile(
    join(folder, "imports.json"),
    `${JSON.stringify({ imports: packedImports(imports.imports) }, undefined, 2)}\n`,
  );
}
