/** What kernels may do with workgroup memory on every adapter. */
import { strict as assert } from "node:assert";
import { MINIMA } from "../../core/device/limits.ts";
import { MATMUL_TILES, sizeOfTile } from "../../core/webgpu/tiles.ts";

const WGSL = new URL("../../wgsl/", import.meta.url);

async function* wgslFiles(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* wgslFiles(new URL(`${name}/`, folder));
    else if (name.endsWith(".wgsl")) yield new URL(name, folder);
  }
}

/** Stores to one component of a vector of workgroup memory, in any of the texts. Arrays may have arrays as elements. */
function componentStores(texts: readonly string[]): string[] {
  const code = texts.join("\n").replaceAll(/\/\/.*/g, "");
  const vectors = [...code.matchAll(/var<workgroup>\s+(\w+):\s*((?:array<)*)(?:vec|Vec\b|Quad\b)/g)];
  return vectors.flatMap(([, name, arrays = ""]) => {
    const indices = "\\[[^=;\\]]*\\]".repeat(arrays.split("<").length - 1);
    const store = new RegExp(`\\b${name}${indices}(?:\\[[^=;]*\\]|\\.[xyzw])\\s*[-+*/]?=(?!=).*`, "g");
    return [...code.matchAll(store)].map(([found]) => found);
  });
}

// WGSL: a store to a component may write all of the vector, so neighbours that other invocations store at that time are lost.
Deno.test("no kernel stores one component of a vector in workgroup memory", async () => {
  const bad =
    "var<workgroup> tile: array<Quad, 4>;\nfn f() {\n  tile[a / 4][a % 4] = x;\n  tile[a].y += x;\n  tile[a] = y;\n}\n";
  assert.deepEqual(componentStores([bad]), ["tile[a / 4][a % 4] = x;", "tile[a].y += x;"]);
  const nested =
    "var<workgroup> part: array<array<vec4f, 4>, ROWS>;\nfn f() {\n  part[a][b] = x;\n  part[a % 2][b][c] = x;\n  part[a][b].z = x;\n}\n";
  assert.deepEqual(componentStores([nested]), ["part[a % 2][b][c] = x;", "part[a][b].z = x;"]);
  const texts: string[] = [];
  for await (const file of wgslFiles(WGSL)) texts.push(await Deno.readTextFile(file));
  assert.ok(texts.some((text) => text.includes("var<workgroup> a_tile: array<Quad")));
  assert.deepEqual(componentStores(texts), []);
});

Deno.test("every tile of products fits into the workgroup memory that WebGPU guarantees", () => {
  for (const [name, tile] of Object.entries(MATMUL_TILES)) {
    if (tile.kernel !== "workgroup") continue;
    const { rows, columns } = sizeOfTile(tile), bytes = 4 * tile.depth * (rows + 4 + columns + 4);
    assert.ok(bytes <= MINIMA.maxComputeWorkgroupStorageSize, `${name}: ${bytes} bytes`);
  }
});
