/** Writes the package.json of the npm package: name, version and licence are those of deno.json. */
const [path = "package.json"] = Deno.args;
const { version, license } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
const { imports: { webgpu } } = JSON.parse(await Deno.readTextFile(new URL("../../imports.json", import.meta.url)));
const description = {
  name: "@hymba/hymba",
  version,
  license,
  description: "A laboratory for small language models that combine attention and Mamba, on WebGPU and WebAssembly",
  keywords: ["mamba", "attention", "hymba", "language model", "webgpu", "wgsl", "ablation"],
  type: "module",
  exports: {
    ".": { types: "./lib/mod.d.ts", default: "./lib/mod.js" },
    "./lib/*": "./lib/*",
    "./package.json": "./package.json",
  },
  bin: { hymba: "bin/hymba.mjs" },
  engines: { node: ">=20.16" },
  dependencies: { deno: "2.9.6" },
  // Only the library in Node needs it, and only for a GPU.
  peerDependencies: { webgpu: webgpu.replace("npm:webgpu@", "") },
  peerDependenciesMeta: { webgpu: { optional: true } },
};
await Deno.writeTextFile(path, JSON.stringify(description, undefined, 2) + "\n");
