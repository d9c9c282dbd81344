/**
 * Compiles the shaders of a folder for one chip and prints what the driver says of each as a line of JSON, in a process of its own,
 * because a driver may crash: `deno run -A tests/bench/isa/compile.ts SHADERS.json`, with `RADV_FORCE_FAMILY` and `VK_DRIVER_FILES` set.
 */
import { Compiler, type Shader } from "./vulkan.ts";

/** A shader as JSON holds it: its words in base64. */
export type Packed = Omit<Shader, "words"> & { readonly words: string };

export const packed = ({ words, ...rest }: Shader): Packed => ({ ...rest, words: words.toBase64() });

if (import.meta.main) {
  const [path = ""] = Deno.args, shaders = JSON.parse(await Deno.readTextFile(path)) as Packed[];
  const compiler = new Compiler();
  for (const { words, ...rest } of shaders) {
    console.log(JSON.stringify(compiler.compile({ ...rest, words: Uint8Array.fromBase64(words) })));
  }
}
