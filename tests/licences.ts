/**
 * Writes `core/system/packages.json`, the bill of materials: every npm package that the program can load, with version and licence,
 * as the lock file pins it and the registry describes it. Run it after a change of deno.lock:
 *
 *     deno run -A tests/licences.ts
 */
const ROOT = new URL("../", import.meta.url), FILE = new URL("core/system/packages.json", ROOT);

/** Packages that are not in the lock file, because they are downloaded only when they are chosen. */
const ON_DEMAND = ["@sparticuz/chromium@153.0.0"];

/** A package as the bill of materials lists it. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier. */
  readonly licence: string;
}

/** `@scope/name@1.2.3` of every package that the program can load. A suffix `_peer@…` names another package and is left out. */
export async function lockedPackages(): Promise<string[]> {
  const { npm } = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT))) as { npm: Record<string, unknown> };
  return [...Object.keys(npm).map((key) => key.split("_")[0] ?? key), ...ON_DEMAND].sort();
}

async function viewed(name: string, field: string): Promise<string> {
  const { code, stdout } = await new Deno.Command("npm", { args: ["view", name, field] }).output();
  return code === 0 ? new TextDecoder().decode(stdout).trim() : "";
}

/** Old packages have a list of licences instead of one. */
async function licenceOf(name: string): Promise<string> {
  const licence = await viewed(name, "license") || await viewed(name, "licenses[0].type");
  if (licence === "") throw new Error(`the registry names no licence of ${name}`);
  return licence;
}

if (import.meta.main) {
  const packages: Package[] = [];
  for (const key of await lockedPackages()) {
    const at = key.lastIndexOf("@");
    packages.push({ name: key.slice(0, at), version: key.slice(at + 1), licence: await licenceOf(key) });
  }
  await Deno.writeTextFile(FILE, JSON.stringify(packages, undefined, 2) + "\n");
  console.log(`${packages.length} packages`);
}
