import { strict as assert } from "node:assert";
import { circlesOf, violations } from "./layers.ts";

Deno.test("layers: circlesOf finds the one circle of a made-up graph, and none in a graph without", () => {
  const graph = new Map([["a", ["b", "d"]], ["b", ["c"]], ["c", ["b"]], ["d", ["c"]]]);
  assert.deepEqual(circlesOf(graph), [["b", "c"]]);
  assert.deepEqual(circlesOf(new Map([...graph, ["c", []]])), []);
});

Deno.test("layers: circlesOf finds a file that imports itself", () => {
  assert.deepEqual(circlesOf(new Map([["a", ["a"]]])), [["a"]]);
});

Deno.test("layers: imports go one way, and no files import each other in a circle", async () => {
  assert.deepEqual(await violations(), []);
});
