/** A hash of the kernels, for the run record. It shows whether a run was computed with other kernels. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { type Build, BUILDS } from "../cpu/module.ts";
import { type Disk, readText, sha256 } from "../disk/mod.ts";
import { MATMUL_TILES } from "../webgpu/tiles.ts";

/** An executor, as in a run record. */
interface NamedExecutor {
  readonly backend: string;
  readonly adapter: Readonly<Record<string, string | number>>;
}

const WGSL = fileURLToPath(new URL("../../wgsl", import.meta.url)),
  CPU = fileURLToPath(new URL("../cpu", import.meta.url));

/** The text without comments, empty lines and spaces at the ends of lines, which do not change the compiled code. */
const codeOf = (text: string) =>
  text.split("\n").map((line) => line.replace(/\/\/.*/, "").trim()).filter((line) => line !== "").join("\n");

async function wgslFiles(disk: Disk, folder: string): Promise<[path: string, code: string][]> {
  const found: [string, string][] = [];
  for (const name of await disk.list(folder)) {
    const path = join(folder, name);
    if ((await disk.stat(path))?.kind === "folder") found.push(...await wgslFiles(disk, path));
    else if (name.endsWith(".wgsl")) found.push([name, codeOf(await readText(disk, path))]);
  }
  return found;
}

/**
 * The SHA-256 of the kernels of an executor. On the CPU: of the WebAssembly module of its build. On WebGPU: of all WGSL without
 * comments, and of the tiles of matrix products. Undefined for an executor that this program does not have.
 */
export async function kernelsHash(disk: Disk, { backend, adapter }: NamedExecutor): Promise<string | undefined> {
  if (backend === "webgpu") return sha256(JSON.stringify([await wgslFiles(disk, WGSL), MATMUL_TILES]));
  const build = Object.entries(BUILDS).find(([name]) => name === adapter.build);
  return backend === "cpu" && build ? sha256(await disk.read(join(CPU, build[1]))) : undefined;
}

/**
 * Hashes of earlier modules with the same bytes in all kernels of training as the present module, so this program reproduces the
 * numbers of their runs. `code` is the hash of a build without the parts that only generation uses. If a test finds another hash,
 * training has changed: enter the new hash and empty the list.
 */
export const TRAINED_ALIKE: Readonly<Record<Build, { readonly code: string; readonly modules: readonly string[] }>> = {
  relaxed: {
    code: "932a1cc29f997d3513989c1a2198118cec344e91d26a9a857393277e4dd6774b",
    modules: [
      "7cfe839a04747a49f11e2093e0c9b74c596bd1bf69b0339e9954dab88c3bdd7d",
      "228150863d01a2c1fb0566e87e181923081706dd6f0938158e4c11ed4ee02929",
      "3efe7403283981dadca9cdb72d7f58577814eda723d1847aa571d5980a1da419",
    ],
  },
  plain: {
    code: "2195db6a6934d2b4b823497bd1165a022dabe4d26834040ca6b280e360ae1dfa",
    modules: [
      "0faf8b29ae0cadb74f70bb1f0f65c9332b01b7c9be8ce5d83e31f5ec163babbb",
      "f5ae968c2137df00b18d921196ae985e0826a75bfaf57dceee53b56bb30eb077",
      "8f789de6c1a5aa68b85b3459877f9332bfefb4d4d046026613857ba3ffc881e8",
    ],
  },
};

const trainedAlike = ({ backend, adapter }: NamedExecutor, kernels: string): boolean =>
  backend === "cpu" &&
  Object.entries(TRAINED_ALIKE).some(([build, { modules }]) => build === adapter.build && modules.includes(kernels));

/** The first digits of a hash, for sentences. */
const short = (hash: string) => hash.slice(0, 12);

/**
 * A sentence if a run was computed with other kernels than those of this program, or with unknown ones. Undefined if the
 * kernels are the same, or train alike.
 */
export async function otherKernels(
  disk: Disk,
  { kernels, ...executor }: NamedExecutor & { readonly kernels?: string },
): Promise<string | undefined> {
  if (kernels === undefined) return "the run does not say which kernels made it: an older version of the program did";
  const own = await kernelsHash(disk, executor);
  if (own === kernels || trainedAlike(executor, kernels)) return undefined;
  return `the run was made by the kernels ${short(kernels)}, this program has ${
    own === undefined ? "none for its executor" : short(own)
  }: numbers that are made again may differ`;
}
