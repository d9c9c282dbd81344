/** What is run is what was locked: no task takes other packages than deno.lock lists, and no package's install script is run. */
import { strict as assert } from "node:assert";

const read = async (name: string) => await Deno.readTextFile(new URL(`../${name}`, import.meta.url));

Deno.test("every task that runs the program or its tests freezes deno.lock, and none allows install scripts", async () => {
  const { tasks } = JSON.parse(await read("deno.json")) as { tasks: Record<string, { command: string }> };
  const texts = [
    ...Object.values(tasks).map(({ command }) => command),
    await read("tests/run.ts"),
    await read(".ci/run"),
  ];
  for (const text of texts) assert.doesNotMatch(text, /allow-scripts/);
  for (const name of ["ablate", "hymba", "test"]) {
    assert.match(tasks[name]!.command, /deno run --lock=deno\.lock --frozen /, name);
  }
  assert.match(await read("tests/run.ts"), /"--lock=deno\.lock",\s+"--frozen",/);
  assert.match(await read(".ci/run"), /^exec .* task test$/m, "continuous integration runs the task");
});

Deno.test("deno.lock holds every package of imports.json in one exact version, with its digest", async () => {
  const { imports } = JSON.parse(await read("imports.json")) as { imports: Record<string, string> };
  const lock = JSON.parse(await read("deno.lock")) as {
    specifiers: Record<string, string>;
    npm: Record<string, { integrity?: string }>;
  };
  for (const [name, specifier] of Object.entries(imports)) {
    const [, found] = /^npm:\/?((?:@[^@]+|[^@]+)@\d+\.\d+\.\d+)\/?$/.exec(specifier) ??
      assert.fail(`${name}: ${specifier} is not one exact version`);
    assert.ok(lock.specifiers[`npm:${found}`], `npm:${found} is not in deno.lock`);
    const key = Object.keys(lock.npm).find((key) => key === found || key.startsWith(`${found}_`));
    assert.ok(key, `${found} is not in deno.lock`);
    assert.match(lock.npm[key]!.integrity ?? "", /^sha512-/, key);
  }
});
