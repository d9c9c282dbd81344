import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isNewEnough, requireDeno } from "../../cli/ui/start.ts";
import { denoFlags } from "../../cli/ui/child.ts";

const root = new URL("../../", import.meta.url), main = new URL("cli/main.ts", root);

Deno.test("start: a Deno that is too old is named, with the least version", () => {
  assert.deepEqual(["2.1.0", "2.7.14", "2.8.0", "2.8.1", "2.9.6", "2.10.0", "3.0.0"].map(isNewEnough), [
    ...[false, false, false, true, true, true, true],
  ]);
  assert.throws(() => requireDeno("2.7.14"), { message: /too old\n.*2\.8\.1 or newer\n.*2\.7\.14/ });
});

Deno.test("start: the flags of a child process name the configuration and the lock file", async () => {
  assert.deepEqual(await denoFlags(), [
    ...["--config", fileURLToPath(new URL("deno.json", root))],
    ...[`--lock=${fileURLToPath(new URL("deno.lock", root))}`, "--frozen"],
  ]);
  assert.deepEqual(await denoFlags("https://example.org/hymba/"), [
    ...["--no-config", "--import-map", "https://example.org/hymba/imports.json"],
  ]);
});

/** Runs the program as `deno install -g` starts it: with a configuration that has no import map. */
async function installed(permissions: readonly string[], words: readonly string[]) {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/deno.json`, '{ "workspace": [] }');
  const args = ["run", ...permissions, "--config", `${folder}/deno.json`, main.href, ...words];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
  await Deno.remove(folder, { recursive: true });
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), problem: decoder.decode(stderr) };
}

Deno.test("start: installed by deno install -g, it finds its packages", async () => {
  const { code, out } = await installed(["-A"], ["--version"]);
  assert.equal(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});

Deno.test("start: the exit code of the child process is the program's", async () => {
  const { code, problem } = await installed(["-A"], ["csv", "no-such-run"]);
  assert.equal(code, 2);
  assert.match(problem, /^hymba: /);
});

Deno.test("start: without all permissions it says how to install it", async () => {
  const { code, problem } = await installed(["--allow-read", "--allow-env"], ["csv"]);
  assert.equal(code, 2);
  assert.match(problem, /import map of hymba is missing\n.*deno install -g -A/);
});
