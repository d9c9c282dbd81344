/** Loads the WebAssembly build of the kernels that this JavaScript engine supports. */

import { readAsset } from "../system/asset.ts";

/** A module with one `f32x4.relaxed_madd`; engines without relaxed SIMD refuse it. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0],
  ...[10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11],
);

/** The builds of the kernels: with fused multiply-add, and without it for engines that lack relaxed SIMD. */
export const BUILDS = { relaxed: "kernels_relaxed.wasm", plain: "kernels_plain.wasm" } as const;

export type Build = keyof typeof BUILDS;

/** The better build that this engine accepts. */
export const bestBuild = (): Build => WebAssembly.validate(RELAXED_PROBE) ? "relaxed" : "plain";

export interface Kernels {
  readonly module: WebAssembly.Module;
  /** The index of each kernel among the sorted names. Threads find a kernel by it. */
  readonly indexOf: ReadonlyMap<string, number>;
}

const loaded = new Map<Build, Promise<Kernels>>();

export function loadKernels(build: Build = bestBuild()): Promise<Kernels> {
  let found = loaded.get(build);
  if (!found) {
    found = load(build);
    loaded.set(build, found);
  }
  return found;
}

async function load(build: Build): Promise<Kernels> {
  const bytes = await readAsset(new URL(BUILDS[build], import.meta.url));
  const module = await WebAssembly.compile(bytes);
  const names = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function").map(({ name }) => name);
  return { module, indexOf: new Map(names.sort().map((name, index) => [name, index])) };
}
