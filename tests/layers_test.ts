import { strict as assert } from "node:assert";
import { circlesOf, importGraph, importsIn, violations } from "./layers.ts";

Deno.test("layers: circlesOf finds the one circle of a made-up graph, and none in a graph without", () => {
  const graph = new Map([["a", ["b", "d"]], ["b", ["c"]], ["c", ["b"]], ["d", ["c"]]]);
  assert.deepEqual(circlesOf(graph), [["b", "c"]]);
  assert.deepEqual(circlesOf(new Map([...graph, ["c", []]])), []);
});

Deno.test("layers: circlesOf finds a file that imports itself", () => {
  assert.deepEqual(circlesOf(new Map([["a", ["a"]]])), [["a"]]);
});

Deno.test("layers: imports are found with either quotes, without .ts, as re-exports and as calls; the root's files are read", async () => {
  const text =
    `import { a } from "./a.ts";\nimport type { B } from '../b.ts';\nexport * from "./c";\nawait import("./d.ts");`;
  assert.deepEqual(importsIn(text), ["./a.ts", "../b.ts", "./c.ts", "./d.ts"]);
  const graph = await importGraph();
  for (const path of ["mod.ts", "notebook.ts"]) {
    assert.ok(graph.get(path)?.some((target) => target.startsWith("core/")), path);
  }
  assert.ok([...graph].some(([path, targets]) => path.startsWith("core/cpu/kernels/") && targets.length > 0));
});

Deno.test("layers: imports go one way, and no files import each other in a circle", async () => {
  assert.deepEqual(await violations(), []);
});
