/** The SPIR-V that Dawn makes from WGSL for a Vulkan driver. Mesa's lavapipe writes it into a folder. */
import { join } from "node:path";
import { openWebgpu } from "../../../core/webgpu/mod.ts";
import { asksForUnrolling, unrolled } from "../../../core/webgpu/unroll.ts";
import { type Launch, overridesOf } from "../../../core/webgpu/launch.ts";
import type { Shader } from "./vulkan.ts";

/** Mesa writes each SPIR-V module that it compiles into the folder that this variable names. */
const DUMP = "MESA_SPIRV_DUMP_PATH";

/** The SPIR-V of each launch's kernel, in order. Throws without lavapipe. */
export async function spirvOf(launches: readonly Launch[]): Promise<Shader[]> {
  const folder = await Deno.makeTempDir(), before = Deno.env.get(DUMP);
  Deno.env.set(DUMP, folder);
  const executor = await openWebgpu({ adapter: "llvmpipe" });
  try {
    const shaders: Shader[] = [];
    for (const launch of launches) {
      await compiled(executor.gpu.device, launch);
      shaders.push(shaderOf(await takeOnly(folder)));
    }
    return shaders;
  } finally {
    await executor.close();
    if (before === undefined) Deno.env.delete(DUMP);
    else Deno.env.set(DUMP, before);
    await Deno.remove(folder, { recursive: true });
  }
}

async function compiled(device: GPUDevice, launch: Launch): Promise<void> {
  const { kernel } = launch, constants = overridesOf(launch);
  const code = asksForUnrolling(kernel.code) ? unrolled(kernel.code, constants) : kernel.code;
  const module = device.createShaderModule({ label: kernel.name, code });
  const compute = { module, entryPoint: "main", constants };
  await device.createComputePipelineAsync({ label: kernel.name, layout: "auto", compute });
}

/** Reads and removes the only file of a folder. Throws when Mesa has written no file, or several. */
async function takeOnly(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const [file, ...others] = await Array.fromAsync(Deno.readDir(folder));
  if (!file || others.length > 0) {
    throw new Error(`${DUMP}: expected one SPIR-V module, got ${others.length + (file ? 1 : 0)}`);
  }
  const path = join(folder, file.name), words = await Deno.readFile(path);
  await Deno.remove(path);
  return words;
}

/** Constants of SPIR-V: opcodes and decorations of bindings. */
const ENTRY_POINT = 15, EXECUTION_MODE = 16, LOCAL_SIZE = 17;
const VARIABLE = 59, DECORATE = 71, BINDING = 33, UNIFORM = 2, STORAGE_BUFFER = 12;
/** Words before the first instruction. */
const HEADER = 5;

/** The name of the entry point, the workgroup size and the kinds of bindings of a module. */
function shaderOf(words: Uint8Array<ArrayBuffer>): Shader {
  const view = new DataView(words.buffer, words.byteOffset), word = (at: number) => view.getUint32(4 * at, true);
  const binding = new Map<number, number>(), kinds: ("storage" | "uniform")[] = [];
  let entry = "", invocations = 1;
  for (let at = HEADER; 4 * at < words.length; at += word(at) >>> 16) {
    const operation = word(at) & 0xffff;
    if (operation === ENTRY_POINT) entry = nameAt(words, 4 * (at + 3));
    if (operation === EXECUTION_MODE && word(at + 2) === LOCAL_SIZE) {
      invocations = word(at + 3) * word(at + 4) * word(at + 5);
    }
    if (operation === DECORATE && word(at + 2) === BINDING) binding.set(word(at + 1), word(at + 3));
    const place = operation === VARIABLE ? binding.get(word(at + 2)) : undefined;
    if (place === undefined) continue;
    if (word(at + 3) === UNIFORM) kinds[place] = "uniform";
    if (word(at + 3) === STORAGE_BUFFER) kinds[place] = "storage";
  }
  return { words, entry, invocations, bindings: Array.from(kinds, (kind) => kind ?? "storage") };
}

const nameAt = (words: Uint8Array, at: number): string =>
  new TextDecoder().decode(words.subarray(at, words.indexOf(0, at)));
