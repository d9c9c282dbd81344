/** The bill of materials is what the lock file pins, with the licences that the packages name themselves. */
import assert from "node:assert/strict";
import { PACKAGES } from "../../core/system/packages.ts";
import { lockedPackages } from "../licences.ts";

Deno.test("packages: the bill of materials lists the packages of the lock file, and those loaded on demand", async () => {
  assert.deepEqual(PACKAGES.map(({ name, version }) => `${name}@${version}`), await lockedPackages());
});

Deno.test("packages: a package that is loaded names the same version and licence itself", async () => {
  const checked: string[] = [];
  for (const name of ["valibot", "smol-toml", "chart.js"]) {
    const entry = new URL(import.meta.resolve(name));
    const described = await nearestDescription(entry);
    const listed = PACKAGES.find((one) => one.name === name);
    assert.deepEqual([described.version, described.license], [listed?.version, listed?.licence], name);
    checked.push(name);
  }
  assert.equal(checked.length, 3);
});

/** The first package.json above a file that has a version. */
async function nearestDescription(file: URL): Promise<{ version?: string; license?: string }> {
  for (let folder = new URL(".", file); folder.pathname !== "/"; folder = new URL("..", folder)) {
    const text = await Deno.readTextFile(new URL("package.json", folder)).catch(() => "{}");
    const described = JSON.parse(text) as { version?: string; license?: string };
    if (described.version) return described;
  }
  return {};
}
