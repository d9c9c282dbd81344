/** Writes the package.json of the npm package: name, version and licence are those of deno.json. */
const [path = "package.json"] = Deno.args;
const { version, license } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
const { imports } = JSON.parse(await Deno.readTextFile(new URL("../../imports.json", import.meta.url)));
const versionOf = (name: string): string => imports[name].replace(`npm:${name}@`, "");
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
  // The program runs in the package deno; the declarations of the library use types of valibot.
  dependencies: { deno: "2.9.6", valibot: versionOf("valibot") },
  // Only the library in Node needs it, and only for a GPU.
  peerDependencies: { webgpu: versionOf("webgpu") },
  peerDependenciesMeta: { webgpu: { optional: true } },
};
await Deno.writeTextFile(path, JSON.stringify(description, undefined, 2) + "\n");
