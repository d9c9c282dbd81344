/**
 * Proves that imports go one way. A room (a folder or file of LAYERS) imports only from rooms to its left, and no files import
 * each other in a circle, not even inside one room. `deno run -A tests/layers.ts` prints each violation and exits with 1.
 */
export const LAYERS = [
  "deno.json",
  "imports.json",
  "core/errors.ts",
  "core/given.ts",
  "core/file_schema.ts",
  "core/lists.ts",
  "core/random.ts",
  "core/student.ts",
  "core/nearest.ts",
  "core/system",
  "core/disk",
  "core/tensor",
  "wgsl",
  "core/ops",
  "core/reference",
  "core/plan",
  "core/device",
  "core/webgpu",
  "core/cpu",
  "core/backend",
  "core/config",
  "core/study_file",
  "core/params",
  "core/nn",
  "core/tokenizer",
  "datasets",
  "core/data",
  "core/record",
  "core/export",
  "core/infer",
  "core/train",
  "core/eval",
  "core/proof",
  "core/study",
  "core/bench",
  "core/report",
  "core/page",
  "core/serve",
  "core/verify",
  "core/library",
  "mod.ts",
  "notebook.ts",
  "cli/briefs.json",
  "cli/ui",
  "cli/shared",
  "cli/commands",
  "cli/tree.ts",
  "cli/complete.ts",
  "cli/front.ts",
  "cli/parse.ts",
  "cli/main.ts",
];

const root = new URL("../", import.meta.url);
const layerOf = (path: string) => LAYERS.findIndex((layer) => path === layer || path.startsWith(`${layer}/`));

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    if (entry.isDirectory) yield* sources(`${folder}${entry.name}/`);
    else if (/\.[cm]?[jt]sx?$/.test(entry.name)) yield `${folder}${entry.name}`;
  }
}

/** Rooms that browsers load, where an import of Node's modules fails: `core/system/path.ts` and `builtin` serve in its place. */
const IN_BROWSERS = [
  ...["core/tensor", "core/ops", "core/plan", "core/webgpu", "core/cpu", "core/config", "core/params", "core/nn"],
  ...["core/tokenizer", "core/record", "core/infer", "core/library"],
];

/** Whether a file of a room for browsers imports a module of Node. Types are no imports. */
function importsNode(path: string, text: string): boolean {
  return IN_BROWSERS.some((room) => path.startsWith(`${room}/`)) && /^import (?!type )[^;]*from "node:/m.test(text);
}

/** The files in the root of the project that import others. */
const ROOT_FILES = LAYERS.filter((layer) => /^[^/]+\.ts$/.test(layer));

/** The relative paths that a text imports or re-exports. AssemblyScript names files without `.ts`. */
export function importsIn(text: string): string[] {
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*(["'])(\.{1,2}\/[^"']+)\1/g)].map(([, , target]) => target!);
  return found.map((target) => /\.\w+$/.test(target) ? target : `${target}.ts`);
}

/** The files that each file imports, by paths from the root of the project. */
export async function importGraph(): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>(), paths = [...ROOT_FILES];
  for (const folder of ["core/", "cli/", "wgsl/", "datasets/"]) paths.push(...await Array.fromAsync(sources(folder)));
  for (const path of paths) {
    const targets = importsIn(await Deno.readTextFile(new URL(path, root)));
    graph.set(path, targets.map((target) => new URL(target, new URL(path, root)).href.slice(root.href.length)));
  }
  return graph;
}

/** Every circle that a depth-first walk closes, each as the files along it. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [], done = new Set<string>(), trail: string[] = [];
  const visit = (path: string) => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push(trail.slice(at));
    if (at >= 0 || done.has(path)) return;
    trail.push(path);
    for (const target of graph.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return circles;
}

/** What breaks the order, one sentence each. */
export async function violations(): Promise<string[]> {
  const graph = await importGraph(), found: string[] = [];
  for (const [path, targets] of graph) {
    if (importsNode(path, await Deno.readTextFile(new URL(path, root)))) {
      found.push(`${path}: imports a module of Node, and browsers load this file; see core/system/host.ts`);
    }
    const from = layerOf(path);
    if (from < 0) found.push(`${path}: in no layer`);
    for (const target of targets) {
      const to = layerOf(target);
      if (to < 0 || to > from) found.push(`${path}: imports ${target}, which is to its right`);
    }
  }
  for (const circle of circlesOf(graph)) found.push(`circle: ${[...circle, circle[0]!].join(" -> ")}`);
  return found;
}

if (import.meta.main) {
  const found = await violations();
  for (const line of found) console.error(line);
  if (found.length > 0) Deno.exit(1);
}
