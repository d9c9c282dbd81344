/**
 * Proves that data flows one way: a folder of the program imports only from folders to its left in LAYERS.
 * `deno run -A tests/layers.ts` prints each import that points to the right and exits with 1.
 */
const LAYERS = [
  "deno.json",
  "imports.json",
  "core/errors.ts",
  "core/random.ts",
  "core/disk",
  "core/tensor",
  "core/reference",
  "wgsl",
  "core/ops",
  "core/plan",
  "core/device",
  "core/webgpu",
  "core/cpu",
  "core/backend",
  "core/config",
  "core/params",
  "core/nn",
  "core/tokenizer",
  "datasets",
  "core/data",
  "core/infer",
  "core/train",
  "core/eval",
  "core/report",
  "core/verify",
  "mod.ts",
  "cli/ui",
  "cli/commands",
  "cli/parse.ts",
  "cli/main.ts",
];

const root = new URL("../", import.meta.url);
const layerOf = (path: string) => LAYERS.findIndex((layer) => path === layer || path.startsWith(`${layer}/`));

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    if (entry.isDirectory) yield* sources(`${folder}${entry.name}/`);
    else if (entry.name.endsWith(".ts")) yield `${folder}${entry.name}`;
  }
}

let wrong = 0;
for (const folder of ["core/", "cli/", "wgsl/", "datasets/"]) {
  for await (const path of sources(folder)) {
    const from = layerOf(path);
    if (from < 0) wrong++, console.error(`${path}: in no layer`);
    const text = await Deno.readTextFile(new URL(path, root));
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)) {
      const resolved = new URL(target!, new URL(path, root)).href.slice(root.href.length);
      const to = layerOf(resolved);
      if (to < 0 || to > from) wrong++, console.error(`${path}: imports ${resolved}, which is to its right`);
    }
  }
}
if (wrong > 0) Deno.exit(1);
