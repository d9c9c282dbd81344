/** The notebooks: no output is committed, the code type-checks, and Deno's kernel runs every cell to what it shows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { inFolder } from "../library/small.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";
import { thorough } from "../thorough.ts";
import { execute, FOLDER, NAMES, type Notebook, programOf, readNotebook } from "./jupyter.ts";

Deno.test("notebooks: these three are there, for Deno's kernel, without outputs", async () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb"));
  assert.deepEqual(names.sort(), NAMES.map((name) => `${name}.ipynb`));
  for (const name of NAMES) {
    const { cells, metadata, nbformat } = await readNotebook(join(FOLDER, `${name}.ipynb`));
    assert.deepEqual([metadata.kernelspec.name, nbformat], ["deno", 4]);
    assert.ok(cells.length > 8, name);
    for (const { cell_type, outputs, execution_count } of cells) {
      if (cell_type === "code") assert.deepEqual([outputs, execution_count], [[], null], name);
    }
  }
});

thorough("notebooks: their code type-checks", async () => {
  const files: string[] = [];
  try {
    for (const name of NAMES) {
      const file = join(FOLDER, `${name}_${crypto.randomUUID()}.ts`);
      files.push(file);
      await Deno.writeTextFile(file, programOf(await readNotebook(join(FOLDER, `${name}.ipynb`))));
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: ["check", "-q", ...files] }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  } finally {
    for (const file of files) await Deno.remove(file);
  }
});

/** No cell fails, and every cell that shows or prints something has an output. */
function assertShown(notebook: Notebook | undefined): void {
  if (!notebook) return;
  const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");
  const errors = code.flatMap(({ outputs = [] }) => outputs.filter(({ output_type }) => output_type === "error"));
  assert.deepEqual(errors, []);
  const silent = code.filter(({ source, outputs = [] }) =>
    /await show\(|console\.log\(/.test(source.join("")) && outputs.length === 0
  );
  assert.deepEqual(silent.map(({ source }) => source.join("")), []);
  assert.ok(code.filter(({ source }) => source.join("").includes("await show(")).length >= 5);
}

thorough("notebook 01: the architecture and its visualisation", () =>
  inFolder(async (folder) => {
    const notebook = await execute("01_architecture", { folder, env: { HYMBA_ADAPTER: "" } });
    assertShown(notebook);
  }));

/** A run of some seconds with all that a figure needs. */
async function makeRun(folder: string): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 2 }), study = tinyStudy({ arms: ["mamba", "hymba"] });
  const run = { executor, corpus: madeUpCorpus(), disk: systemDisk, folder, environment: ENVIRONMENT };
  await runStudy(study, run).finally(() => executor.close());
}

thorough("notebook 02: the ablation, of a run that exists", () =>
  inFolder(async (folder) => {
    const run = join(folder, "run");
    await makeRun(run);
    assertShown(await execute("02_ablation", { folder, env: { HYMBA_RUN: run } }));
  }));

Deno.test({
  name: "notebook 02: the ablation, of a fresh smoke",
  ignore: !Deno.env.get("HYMBA_NOTEBOOK_SMOKE"),
  fn: () => inFolder(async (folder) => assertShown(await execute("02_ablation", { folder }))),
});

thorough("notebook 03: the review, whose formulas are checked", () =>
  inFolder(async (folder) => {
    assertShown(await execute("03_paper_review", { folder }));
  }));

Deno.test("notebook 03: a wrong formula fails its check", async () => {
  const notebook = await readNotebook(join(FOLDER, "03_paper_review.ipynb"));
  const scan = notebook.cells.findIndex(({ source }) => source.join("").includes("const SPAN"));
  const program = programOf({ ...notebook, cells: notebook.cells.slice(0, scan + 1) });
  const file = join(FOLDER, `wrong_${crypto.randomUUID()}.ts`);
  const ran = async (text: string) => {
    await Deno.writeTextFile(file, text);
    const { stderr, success } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", file] })
      .output();
    return { success, said: new TextDecoder().decode(stderr) };
  };
  try {
    assert.deepEqual(await ran(program), { success: true, said: "" });
    const wrong = program.replace("a[t]! * pair[1] + b[t]!", "pair[1] + b[t]!");
    assert.notEqual(wrong, program);
    assert.match((await ran(wrong)).said, /AssertionError/);
  } finally {
    await Deno.remove(file);
  }
});
