/**
 * Compiles shaders for one chip: `deno run -A tests/bench/isa/compile.ts SHADERS.json`, with `RADV_FORCE_FAMILY` and
 * `VK_DRIVER_FILES` set. Prints the driver's report of each shader as a line of JSON. It runs in a process of its own, because the
 * driver may crash.
 */
import { Compiler, type Shader } from "./vulkan.ts";

/** A shader in JSON, with its words in base64. */
export type Packed = Omit<Shader, "words"> & { readonly words: string };

export const packed = ({ words, ...rest }: Shader): Packed => ({ ...rest, words: words.toBase64() });

if (import.meta.main) {
  const [path = ""] = Deno.args, shaders = JSON.parse(await Deno.readTextFile(path)) as Packed[];
  const compiler = new Compiler({ matrices: shaders.some(({ lanes }) => lanes !== undefined) });
  for (const { words, ...rest } of shaders) {
    console.log(JSON.stringify(compiler.compile({ ...rest, words: Uint8Array.fromBase64(words) })));
  }
}
