/** Packages: the npm package has the whole program and starts it, and the one-file program unpacks itself once. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Hymba, Trainer } from "../mod.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const decoder = new TextDecoder();
const urlOf = (path: string) => pathToFileURL(path).href;

async function ran(program: string, args: string[], options: Deno.CommandOptions = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, { ...options, args }).output();
  return { code, out: decoder.decode(stdout), problem: decoder.decode(stderr) };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

/** What a program does with the library. It runs in Node as text. */
async function use({ Hymba: Model, Trainer: Training }: { Hymba: typeof Hymba; Trainer: typeof Trainer }) {
  const sizes = { vocabSize: 50, dModel: 16, nLayers: 1, nHeads: 2, nKvHeads: 1, swaWindow: 6, numMetaTokens: 2 };
  const model = await Model.create(sizes, { backend: "cpu", threads: 2 });
  const tokens = await model.generate([[1, 2, 3]], { maxNewTokens: 12, temperature: 0.9, seed: 5 });
  const trainer = await Training.create(model, {
    tokens: Array.from({ length: 300 }, (_, i) => i % 50),
    steps: 2,
    length: 9,
  });
  const losses: string[] = [];
  for await (const { loss } of trainer.run()) losses.push(loss.toFixed(3));
  await trainer.close();
  await model.close();
  return { tokens, losses };
}

/** Imports the packed library in Node, and compares what it does with what it does here. */
async function useInNode(folder: string): Promise<void> {
  const types = await Deno.readTextFile(join(folder, "package/lib/mod.d.ts"));
  assert.match(types, /export \{ Hymba \} from "\.\/core\/library\/hymba\.js"/);
  await Deno.mkdir(join(folder, "node_modules/@hymba"), { recursive: true });
  await Deno.symlink(join(folder, "package"), join(folder, "node_modules/@hymba/hymba"));
  const code = `import * as library from "@hymba/hymba"; ${use}
    console.log(JSON.stringify(await use(library)));
    console.log(await library.saveCheckpoint(await library.Hymba.create({ dModel: 16, nHeads: 2, nKvHeads: 1, nLayers: 1 }), "kept"));
    console.log((await library.Hymba.load("kept")).config.dModel);`;
  await Deno.writeTextFile(join(folder, "uses.mjs"), code);
  const { code: exit, out, problem } = await ran("node", ["uses.mjs"], { cwd: folder });
  assert.equal(exit, 0, problem);
  const [first = "", ...rest] = out.trim().split("\n");
  assert.deepEqual(JSON.parse(first), await use({ Hymba, Trainer }));
  assert.deepEqual(rest, [join("kept", "checkpoint-000001"), "16"]);
}

/** A program against the packed declarations, and what the compiler has to find wrong in it. */
const TYPED = `import { Hymba, type Evaluation, Trainer } from "@hymba/hymba";
const model = await Hymba.create({ vocabSize: 40, dModel: 16, nLayers: 3, nHeads: 2, nKvHeads: 1 });
const tokens: number[][] = await model.generate([[1, 2]], { maxNewTokens: 3 });
const { loss }: Evaluation = await model.evaluate([1, 2, 3]);
console.log(tokens, loss, Trainer);
// @ts-expect-error: there is no such option
await model.generate([[1]], { maxTokens: 3 });
`;

/** Checks a program against the packed declarations with a strict compiler that checks the declarations too. */
async function compile(folder: string): Promise<void> {
  const { dependencies: { valibot } } = JSON.parse(await Deno.readTextFile(join(folder, "package/package.json")));
  const install = ["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", "tools"];
  const { code, problem } = await ran("npm", [...install, "typescript@5.9.3", `valibot@${valibot}`], { cwd: folder });
  assert.equal(code, 0, problem);
  await Deno.rename(join(folder, "tools/node_modules/valibot"), join(folder, "package/node_modules/valibot"));
  await Deno.writeTextFile(join(folder, "typed.mts"), TYPED);
  const ways = [
    ["--target", "esnext", "--lib", "esnext,dom", "--module", "nodenext"],
    ["--target", "es2022", "--lib", "es2022,dom", "--module", "esnext", "--moduleResolution", "bundler"],
  ];
  for (const way of ways) {
    const checked = await ran("tools/node_modules/.bin/tsc", ["--noEmit", "--strict", ...way, "typed.mts"], {
      cwd: folder,
    });
    assert.deepEqual(checked, { code: 0, out: "", problem: "" });
  }
}

/** The packed page is that of the packed sources, so that nothing is built when it is shown. */
async function assertFinishedPage(root: string): Promise<void> {
  const script = `import { pageFiles } from ${JSON.stringify(urlOf(join(root, "core/serve/page_files.ts")))};
    import { systemDisk } from ${JSON.stringify(urlOf(join(root, "core/disk/mod.ts")))};
    const files = await pageFiles(systemDisk, { onBuild: () => { throw new Error("it is built again"); } });
    console.log([...files.keys()].includes("engine.js"));`;
  const flags = ["--config", join(root, "deno.json"), `--lock=${join(root, "deno.lock")}`, "--frozen"];
  const env = { DENO_NO_PACKAGE_JSON: "1" }, args = ["eval", "--no-check", ...flags, script];
  assert.deepEqual(await ran(Deno.execPath(), args, { env }), { code: 0, out: "true\n", problem: "" });
}

Deno.test("npm package: it holds the program, names its version, and starts it with the package deno", async () => {
  await inFolder(async (folder) => {
    const packed = await ran("bash", [join(ROOT, ".ci/pack"), folder]);
    assert.equal(packed.code, 0, packed.problem);
    const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as { version: string };
    await ran("tar", ["xzf", `hymba-${version}.tgz`], { cwd: folder });
    const described = JSON.parse(await Deno.readTextFile(join(folder, "package/package.json")));
    assert.deepEqual([described.version, described.bin], [version, { hymba: "bin/hymba.mjs" }]);
    for (
      const path of [
        "cli/commands/ablate.ts",
        "wgsl/adamw.wgsl",
        "core/cpu/kernels_relaxed.wasm",
        "core/page/built/main.js",
        "deno.lock",
        "LICENSE",
      ]
    ) {
      assert((await Deno.stat(join(folder, "package", path))).isFile, path);
    }
    assert.equal(await Deno.stat(join(folder, "package/tests")).catch(() => "absent"), "absent");
    await assertFinishedPage(join(folder, "package"));
    // In the place of the npm package deno: the Deno of this test.
    const deno = join(folder, "package/node_modules/deno");
    await Deno.mkdir(deno, { recursive: true });
    const start = `process.exit(require("child_process").spawnSync(${JSON.stringify(Deno.execPath())}, ` +
      `process.argv.slice(2), { stdio: "inherit" }).status);`;
    await Deno.writeTextFile(join(deno, "bin.cjs"), start);
    const bin = join(folder, "package/bin/hymba.mjs");
    assert.deepEqual(await ran("node", [bin, "--version"], { cwd: folder }), {
      code: 0,
      out: `${version}\n`,
      problem: "",
    });
    assert.equal((await ran("node", [bin, "csv", "no-such-run"], { cwd: folder })).code, 2);
    await useInNode(folder);
    await compile(folder);
  });
});

/** A one-file program around a tiny program. Returns its path and the environment of its user. */
async function oneFile(folder: string): Promise<{ program: string; env: Record<string, string> }> {
  await Deno.mkdir(join(folder, "stage/hymba-test"), { recursive: true });
  const tiny = join(folder, "stage/hymba-test/hymba");
  await Deno.writeTextFile(tiny, '#!/bin/sh\necho "tiny $*"\nexit 3\n', { mode: 0o755 });
  await ran("tar", ["czf", join(folder, "a.tar.gz"), "-C", join(folder, "stage"), "hymba-test"]);
  const head = (await Deno.readTextFile(join(ROOT, ".ci/bundled/unpack"))).replaceAll("DIGEST", "abc")
    .replaceAll("NAME", "hymba-test");
  const program = join(folder, "hymba.run"), archive = await Deno.readFile(join(folder, "a.tar.gz"));
  await Deno.writeFile(program, new Uint8Array([...new TextEncoder().encode(head), ...archive]), { mode: 0o755 });
  return { program, env: { XDG_CACHE_HOME: join(folder, "cache") } };
}

Deno.test("one-file program: it unpacks itself once and passes arguments and the exit code on", async () => {
  await inFolder(async (folder) => {
    const { program, env } = await oneFile(folder);
    const first = await ran(program, ["a", "b c"], { env }), second = await ran(program, ["d"], { env });
    assert.deepEqual([first.code, first.out], [3, "tiny a b c\n"]);
    assert.match(first.problem, /unpacking into .*\/cache\/hymba\/bundle\/abc, only once/);
    assert.deepEqual(second, { code: 3, out: "tiny d\n", problem: "" });
  });
});

Deno.test("one-file program: several first starts at once all work, and leave one copy", async () => {
  await inFolder(async (folder) => {
    const { program, env } = await oneFile(folder);
    const all = await Promise.all(Array.from({ length: 6 }, (_, i) => ran(program, [String(i)], { env })));
    assert.deepEqual(all.map(({ out }) => out), all.map((_, i) => `tiny ${i}\n`));
    const kept = await Array.fromAsync(Deno.readDir(join(folder, "cache/hymba/bundle")), ({ name }) => name);
    assert.deepEqual(kept, ["abc"]);
  });
});

Deno.test("packages: the scripts that make them are sound shell", async () => {
  for (
    const script of [".ci/pack", ".ci/bundle", ".ci/library", ".ci/types", ".ci/bundled/hymba", ".ci/bundled/unpack"]
  ) {
    const { code, problem } = await ran("bash", ["-n", join(ROOT, script)], { cwd: dirname(ROOT) });
    assert.equal(code, 0, problem);
  }
});
