/** docs/architecture.md and CONTRIBUTING.md say what tests/layers.ts enforces and what the folders hold. */
import { strict as assert } from "node:assert";
import { importGraph, LAYERS } from "./layers.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));
const page = await read("docs/architecture.md");

/** The cells of every table row whose first cell is a path, below a heading and up to the next one. */
function rowsBelow(heading: string): string[][] {
  const start = page.indexOf(`\n## ${heading}\n`), end = page.indexOf("\n## ", start + 1);
  assert.ok(start >= 0, `docs/architecture.md has no section "${heading}"`);
  const lines = page.slice(start, end < 0 ? undefined : end).split("\n").filter((line) => line.startsWith("| `"));
  return lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", "")));
}

const pathsBelow = (heading: string) => rowsBelow(heading).map(([path]) => path);

/** The folders directly inside one, as paths from the root. */
function foldersIn(folder: string): string[] {
  const entries = [...Deno.readDirSync(new URL(`${folder}/`, ROOT))].filter((entry) => entry.isDirectory);
  return entries.map(({ name }) => `${folder}/${name}`).sort();
}

const ORDER = "The folders, in the order of their imports";

Deno.test("architecture: the table of folders is LAYERS, in its order, with one line each", () => {
  assert.deepEqual(pathsBelow(ORDER), LAYERS);
  for (const [path, purpose] of rowsBelow(ORDER)) assert.ok(purpose, path);
});

Deno.test("architecture: CONTRIBUTING gives the same order", async () => {
  const text = await read("CONTRIBUTING.md");
  const list = /<!-- order of imports -->\n\n([^]*?)\n\n/.exec(text)?.[1] ?? "";
  assert.deepEqual(list.replaceAll("`", "").split(/\s*→\s*/), LAYERS);
});

Deno.test("architecture: the file to read first begins with the sentence about its folder", async () => {
  for (const [folder, purpose, first] of rowsBelow(ORDER)) {
    if (!first) continue;
    assert.ok(first.startsWith(`${folder}/`), first);
    const start = (await read(first)).replace(/^(\/\*\*\n \* |\/\*\* |\/\/ )/, "").replaceAll("`", "");
    assert.ok(start.startsWith(`This folder: ${purpose}.`), `${first} does not begin with "This folder: ${purpose}."`);
  }
});

Deno.test("architecture: every folder of the source and of the tests has its line", () => {
  const inner = LAYERS.filter((layer) => !layer.includes(".")).flatMap(foldersIn).filter((path) =>
    !LAYERS.includes(path)
  );
  assert.deepEqual(pathsBelow("Folders inside folders").toSorted(), inner.sort());
  assert.deepEqual(pathsBelow("The tests").toSorted(), foldersIn("tests"));
});

/** By folder: the folders whose files import its files. */
type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

/** The imports between these folders. */
async function importsBetween(folders: readonly string[]): Promise<Arrows> {
  const folderOf = (path: string) => folders.find((folder) => path.startsWith(`${folder}/`));
  const arrows = new Map(folders.map((folder) => [folder, new Set<string>()]));
  for (const [path, targets] of await importGraph()) {
    const to = folderOf(path);
    if (to === undefined) continue;
    for (const target of targets) {
      const from = folderOf(target);
      if (from !== undefined && from !== to) arrows.get(from)?.add(to);
    }
  }
  return arrows;
}

/** Whether other arrows lead from a to b than the direct one. */
function leadsThere(arrows: Arrows, [a, b]: readonly [string, string]): boolean {
  const next = [...arrows.get(a) ?? []].filter((folder) => folder !== b), seen = new Set<string>();
  for (let folder = next.pop(); folder !== undefined; folder = next.pop()) {
    if (folder === b) return true;
    if (!seen.has(folder)) next.push(...arrows.get(folder) ?? []);
    seen.add(folder);
  }
  return false;
}

/** The arrows between these folders, without those that follow from others. */
async function expectedArrows(folders: readonly string[]): Promise<string[]> {
  const arrows = await importsBetween(folders);
  const all = [...arrows].flatMap(([from, to]) => [...to].map((to) => [from, to] as const));
  return all.filter((arrow) => !leadsThere(arrows, arrow)).map(([from, to]) => `${from} --> ${to}`).sort();
}

Deno.test("architecture: the arrows of the diagram are the imports, without those that follow from others", async () => {
  const [leftOut] = /^`core\/errors\.ts`.*$/m.exec(page) ?? [""];
  const ofCore = LAYERS.filter((layer) => /^core\/\w+$/.test(layer) && !leftOut.includes(`\`${layer}\``));
  const drawn = [...page.matchAll(/^ {2}(\S+ --> \S+)$/gm)].map(([, arrow = ""]) => arrow);
  assert.deepEqual(drawn.sort(), await expectedArrows([...ofCore, "wgsl", "datasets", "cli/commands"]));
});
