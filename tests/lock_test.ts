/** Tasks use only packages that their lock lists, and never run a package's install script. */
import { strict as assert } from "node:assert";

const read = async (name: string) => await Deno.readTextFile(new URL(`../${name}`, import.meta.url));

interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, { readonly integrity?: string }>>;
}
const lockOf = async (name: string) => JSON.parse(await read(name)) as Lock;

/** Names and exact versions (`valibot@1.5.0`) of import specifiers. Fails for one that does not name an exact version. */
function packagesIn(specifiers: readonly string[]): string[] {
  const found = specifiers.map((specifier) => {
    const [, name] = /^npm:\/?((?:@[^@/]+\/)?[^@/]+@\d+\.\d+\.\d+)(?:\/|$)/.exec(specifier) ??
      assert.fail(`${specifier} is not one exact version`);
    return name ?? "";
  });
  return [...new Set(found)].sort();
}

Deno.test("every task that runs the program or its tests freezes its lock, and none allows install scripts", async () => {
  const { tasks } = JSON.parse(await read("deno.json")) as { tasks: Record<string, { command: string }> };
  const runner = await read("tests/run.ts"), ci = await read(".ci/run");
  for (const text of [...Object.values(tasks).map(({ command }) => command), runner, ci]) {
    assert.doesNotMatch(text, /allow-scripts/);
  }
  for (const name of ["ablate", "hymba", "test", "test:all"]) {
    assert.match(tasks[name]?.command ?? "", /deno run --lock=deno\.lock --frozen /, name);
  }
  assert.match(runner, /"--lock=tests\/deno\.lock",\s+"--frozen",/);
  assert.match(ci, /^exec .* task test:all$/m, "continuous integration runs the task");
});

Deno.test("deno.lock holds the packages of imports.json and no others, in one exact version, with their digests", async () => {
  const { imports } = JSON.parse(await read("imports.json")) as { imports: Record<string, string> };
  const lock = await lockOf("deno.lock"), packages = packagesIn(Object.values(imports));
  assert.deepEqual(packagesIn(Object.keys(lock.specifiers)), packages);
  for (const [name, { integrity }] of Object.entries(lock.npm)) assert.match(integrity ?? "", /^sha512-/, name);
  for (const name of packages) assert.ok(Object.keys(lock.npm).some((key) => key.startsWith(name)), name);
});

Deno.test("tests/deno.lock adds the packages that only tests and the kernels' build name, and changes none", async () => {
  const program = await lockOf("deno.lock"), all = await lockOf("tests/deno.lock");
  // A package that may work with one that only tests have (valibot with typescript) has that one in its name.
  const sameIn = (name: string) => Object.keys(all.npm).find((other) => other === name || other.startsWith(`${name}_`));
  for (const [name, { integrity }] of Object.entries(program.npm)) {
    assert.equal(all.npm[sameIn(name) ?? name]?.integrity, integrity, name);
  }
  const sources = await read("tests/packages.ts") + await read("core/cpu/build.ts") + await read("tests/schemas.ts");
  const own = packagesIn([...sources.matchAll(/"(npm:[^"]+)"/g)].map(([, specifier]) => specifier ?? ""));
  const added = packagesIn(Object.keys(all.specifiers)).filter((name) =>
    program.specifiers[`npm:${name}`] === undefined
  );
  assert.deepEqual(added, own);
  assert.ok(own.length >= 3, "there is something to test");
});
