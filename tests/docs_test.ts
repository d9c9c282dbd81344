/** What the documents name exists: paths, links, sections of other documents, tasks and commands. */
import { strict as assert } from "node:assert";
import { loadCommand } from "../cli/tree.ts";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);
const DOCUMENTS = ["README.md", "README.ko.md", "CONTRIBUTING.md", "results/README.md"];
for (const { name } of Deno.readDirSync(new URL("docs/", ROOT))) {
  if (name.endsWith(".md")) DOCUMENTS.push(`docs/${name}`);
}

/** A path of the repository in a text. */
const PATH = /(?<![\w./<-])(?:core|cli|wgsl|docs|datasets|studies|tests|results)\/[\w*][\w./*-]*/g;

/** Paths below these are made by the reader's own runs. */
const MADE_BY_RUNS = /^results\/runs(?=\/|$)/;

function exists(path: string, base: URL): boolean {
  try {
    return Deno.statSync(new URL(path, base)) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a path is there; `*` or NAME in its last part stands for any letters. */
function isThere(pattern: string): boolean {
  const path = pattern.replace("NAME", "*");
  if (MADE_BY_RUNS.test(path)) return true;
  if (!path.includes("*")) return exists(path, ROOT);
  const folder = path.slice(0, path.lastIndexOf("/") + 1), [before, after] = path.slice(folder.length).split("*");
  const names = exists(folder, ROOT) ? [...Deno.readDirSync(new URL(folder, ROOT))].map(({ name }) => name) : [];
  return names.some((name) => name.startsWith(before!) && name.endsWith(after!));
}

/** Lines that begin a section, without their marks. */
const headingsOf = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);

/** Names in `text`, a document at `path`, that do not exist, one line each. */
async function faultsOf(path: string, text: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
    if (!exists(link!, new URL(path, ROOT))) faults.push(`link ${link}`);
  }
  for (const [named] of text.matchAll(PATH)) {
    if (!isThere(named.replace(/\.$/, ""))) faults.push(`path ${named}`);
  }
  for (const [, document, title] of text.matchAll(/`(docs\/\w+\.md)`, "([^"]+)"/g)) {
    const headings = exists(document!, ROOT) ? headingsOf(await Deno.readTextFile(new URL(document!, ROOT))) : [];
    if (!headings.some((heading) => heading.startsWith(title!))) faults.push(`section ${title} of ${document}`);
  }
  for (const [, task] of text.matchAll(/\bdeno(?:@[\d.]+)? task (\w+)/g)) {
    if (!(task! in config.tasks)) faults.push(`task ${task}`);
  }
  for (const [, command] of text.matchAll(/(?:`hymba|task hymba|cli\/main\.ts) ([a-z]\w*)/g)) {
    if (!await loadCommand(command)) faults.push(`command ${command}`);
  }
  return faults;
}

for (const path of DOCUMENTS) {
  Deno.test(`${path}: every path, link, section, task and command that it names exists`, async () => {
    assert.deepEqual(await faultsOf(path, await Deno.readTextFile(new URL(path, ROOT))), []);
  });
}

Deno.test("docs/commands.md: every command of its table exists", async () => {
  const text = await Deno.readTextFile(new URL("docs/commands.md", ROOT));
  const table = text.slice(0, text.indexOf("\nSizes:"));
  const names = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)/g)]);
  assert.ok(names.length > 20);
  const parts = new Set(["encode", "decode", "inspect"]);
  for (const [, name] of names) assert.ok(parts.has(name!) || await loadCommand(name), name);
});

Deno.test("documents: a path, link, section, task or command that nobody has is found", async () => {
  const text = 'See [x](nowhere.md), `core/nothing/here.ts`, `core/ops/*.py`, `docs/memory.md`, "No such section", ' +
    "`deno task nothing` and `hymba nothing`.";
  assert.deepEqual(await faultsOf("README.md", text), [
    ...["link nowhere.md", "path core/nothing/here.ts", "path core/ops/*.py"],
    ...["section No such section of docs/memory.md", "task nothing", "command nothing"],
  ]);
});
