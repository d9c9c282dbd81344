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

Deno.test("architecture: the file to read first exists, belongs to its folder and begins by saying what it is", async () => {
  for (const [folder, , first] of rowsBelow(ORDER)) {
    if (!first) continue;
    assert.ok(first.startsWith(`${folder}/`), first);
    assert.match(await read(first), /^(\/\*\*|\/\/) ?\S|^\/\*\*\n \* \S/, first);
  }
});

Deno.test("architecture: every folder of the source and of the tests has its line", () => {
  const inner = LAYERS.filter((layer) => !layer.includes(".")).flatMap(foldersIn).filter((path) =>
    !LAYERS.includes(path)
  );
  assert.deepEqual(pathsBelow("Folders inside folders").toSorted(), inner.sort());
  assert.deepEqual(pathsBelow("The tests").toSorted(), foldersIn("tests"));
});

Deno.test("architecture: each arrow of the diagram is an import, and each folder of core/ is in it", async () => {
  const layerOf = (path: string) => LAYERS.find((layer) => path === layer || path.startsWith(`${layer}/`));
  const imports = new Set<string>();
  for (const [path, targets] of await importGraph()) {
    for (const target of targets) imports.add(`${layerOf(target)} --> ${layerOf(path)}`);
  }
  const arrows = [...page.matchAll(/^ {2}(\S+) --> (\S+)$/gm)].map(([, from, to]) => ({ from: from!, to: to! }));
  assert.ok(arrows.length > 0);
  for (const { from, to } of arrows) assert.ok(imports.has(`${from} --> ${to}`), `${to} does not import ${from}`);
  const [leftOut] = /^`core\/errors\.ts`.*$/m.exec(page) ?? [""];
  const named = [
    ...arrows.flatMap(({ from, to }) => [from, to]),
    ...leftOut.matchAll(/`([^`]+)`/g).map(([, name]) => name!),
  ];
  for (const layer of LAYERS.filter((layer) => layer.startsWith("core/"))) assert.ok(named.includes(layer), layer);
});
