/** What `deno task compile` puts into the executable: every module that a command can load, and every file that the program reads. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { thorough } from "./thorough.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The flags of the task, as words. */
async function flags(): Promise<string[]> {
  const args = ["run", "--allow-read", join(ROOT, ".ci/compile_flags.ts")];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  return new TextDecoder().decode(stdout).trim().split(" ");
}

/** Files and folders that the task includes. */
const included = (words: readonly string[]) => words.flatMap((word, i) => words[i - 1] === "--include" ? [word] : []);

/** Modules that an entry leads to, by paths from the root. */
async function graphOf(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd: ROOT }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { specifier: string }[] };
  return modules.flatMap(({ specifier }) =>
    specifier.startsWith("file:") ? [fileURLToPath(specifier).slice(ROOT.length)] : []
  );
}

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

Deno.test("compile: every module of the command line and every file that is read beside one is in the executable", async () => {
  const names = included(await flags()), roots = ["cli/main.ts", ...names.filter((name) => name.endsWith(".ts"))];
  const graph = new Set((await Promise.all(roots.map(graphOf))).flat());
  const embedded = (path: string) =>
    graph.has(path) || names.some((name) => path === name || path.startsWith(`${name}/`));
  const sources = filesIn("cli").filter((path) => path.endsWith(".ts"));
  assert.ok(sources.length > 80);
  assert.deepEqual(sources.filter((path) => !embedded(path)), []);
  // Kernels are read by name when a plan is lowered, the page when it is served, and the corpora's list with every command.
  for (
    const path of [
      ...filesIn("wgsl"),
      "core/cpu/kernels_relaxed.wasm",
      "core/cpu/kernels_plain.wasm",
      "core/cpu/worker.ts",
    ]
  ) {
    assert.ok(embedded(path), path);
  }
  for (
    const path of ["core/page/index.html", "core/page/style.css", "core/page/built/main.js", "datasets/registry.ts"]
  ) {
    assert.ok(embedded(path), path);
  }
  // What a module names beside itself.
  const read = [...graph].filter((path) => path.endsWith(".ts")).flatMap((path) =>
    [...Deno.readTextFileSync(join(ROOT, path)).matchAll(/new URL\("(\.{1,2}\/[^"]*\.\w+)", import\.meta\.url\)/g)]
      .map(([, name = ""]) => fileURLToPath(new URL(name, new URL(path, `file://${ROOT}`))).slice(ROOT.length))
  );
  // The page names its own engine, a tool writes the schema, and estimates for chips are left out where there are none.
  const other = ["core/page/engine.js", "core/study_file/presets/study.schema.json", "results/bench/isa.json"];
  assert.deepEqual(read.filter((path) => !embedded(path) && !other.includes(path)), []);
});

thorough("compile: Deno assembles an archive, whose list has the program's files and packages", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // In a copy, because the task first builds the page into the source.
    const parts = [
      "cli",
      "core",
      "datasets",
      "wgsl",
      "mod.ts",
      "notebook.ts",
      "deno.json",
      "deno.lock",
      "imports.json",
    ];
    const copy = `tar cf - ${parts.join(" ")} | tar xf - -C '${folder}'`;
    assert.ok((await new Deno.Command("bash", { args: ["-c", copy], cwd: ROOT }).output()).success);
    const page = ["run", "-A", "--lock=deno.lock", "--frozen", "core/serve/page_files.ts"];
    assert.ok((await new Deno.Command(Deno.execPath(), { args: page, cwd: folder }).output()).success);
    const args = ["compile", ...await flags(), "--output", "hymba", "cli/main.ts"];
    // Deno's own binary stands in for its runtime for executables, which is not on npm. The result has the archive but cannot start it.
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      ...{ args, cwd: folder, env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1" } },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 0, said);
    const list = said.slice(said.indexOf("Embedded Files"));
    for (
      const name of [
        "cli",
        "core",
        "wgsl",
        "datasets",
        "deno.json",
        "imports.json",
        "@napi-rs",
        "@optique/core",
        "webgpu",
      ]
    ) {
      assert.ok(
        new RegExp(`── ${name}(/\\*)? `).test(list.replaceAll("─┬ ", "── ")),
        `${name} is not in the list:\n${list.slice(0, 3000)}`,
      );
    }
    const [program, base] = await Promise.all([Deno.stat(join(folder, "hymba")), Deno.stat(Deno.execPath())]);
    assert.ok(program.size > base.size + 20e6, `${program.size} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
