/**
 * Builds the kernels (AssemblyScript, `kernels/`) into the two WebAssembly files that are committed.
 * `deno run -A --lock=tests/deno.lock --frozen core/cpu/build.ts` writes them, and a test compares the committed bytes with a fresh
 * build. The compiler is named here and not in imports.json, so that nobody downloads it to run the program.
 */
import asc from "npm:assemblyscript@0.28.20/asc";
import { HymbaError } from "../errors.ts";
import { type Build, BUILDS } from "./module.ts";

const SOURCES = new URL("./kernels/", import.meta.url);

const OPTIONS = [
  ...["--optimizeLevel", "3", "--shrinkLevel", "0", "--converge", "--noAssert", "--runtime", "stub"],
  ...["--enable", "simd", "--enable", "threads", "--importMemory", "--sharedMemory"],
  ...["--initialMemory", "1", "--maximumMemory", "65536"],
];

/** Files of kernels that only generation uses. */
const GENERATION = ["attention_decode", "decode", "matmul_skinny", "sample"];

/** The index without the kernels that only generation uses. */
const ofTraining = (index: string) =>
  index.split("\n").filter((line) => !GENERATION.some((file) => line.endsWith(`from "./${file}";`))).join("\n");

/**
 * The bytes of one build; `training` leaves out what only generation uses. Throws a HymbaError with the compiler's words when a kernel
 * does not compile.
 */
export async function buildKernels(
  build: Build,
  { training = false }: { training?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const relaxed = build === "relaxed" ? ["--enable", "relaxed-simd"] : [];
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "kernels.wasm", ...OPTIONS, ...relaxed], {
    readFile: async (name) => {
      const source = await readSource(name);
      return training && name === "index.ts" && source !== null ? ofTraining(source) : source;
    },
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") binary = new Uint8Array(contents);
    },
    listFiles: () => [],
  });
  if (error || !binary) {
    throw new HymbaError("the kernels do not compile", { got: `${error?.message ?? ""}\n${stderr.toString()}` });
  }
  return binary;
}

async function readSource(name: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(new URL(name, SOURCES));
  } catch {
    return null; // the compiler tries several names
  }
}

if (import.meta.main) {
  for (const [build, file] of Object.entries(BUILDS)) {
    const binary = await buildKernels(build as Build);
    await Deno.writeFile(new URL(file, import.meta.url), binary);
    console.log(`${file}: ${binary.length} bytes`);
  }
}
