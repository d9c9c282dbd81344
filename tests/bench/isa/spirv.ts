/** The SPIR-V that Dawn makes from WGSL for a Vulkan driver. Mesa's lavapipe writes it into a folder. */
import { join } from "node:path";
import { openWebgpu } from "../../../core/webgpu/mod.ts";
import { asksForUnrolling, unrolled } from "../../../core/webgpu/unroll.ts";
import { type Launch, overridesOf } from "../../../core/webgpu/launch.ts";
import { onMesa } from "../../tensor_cores/mesa.ts";
import { type MatrixKernel, withSizes } from "./matrix_spirv.ts";
import type { Shader } from "./vulkan.ts";

/** Mesa writes each SPIR-V module that it compiles into the folder that this variable names. */
const DUMP = "MESA_SPIRV_DUMP_PATH";

/** Whether only a Mesa with subgroup matrices translates the kernel. */
const isOfMatrices = ({ kernel: { code } }: Launch): boolean =>
  /^enable chromium_experimental_subgroup_matrix;/m.test(code);

/** The SPIR-V of each launch's kernel, in order. `mesa`: a folder with a Mesa that has subgroup matrices. Throws without lavapipe. */
export async function spirvOf(launches: readonly Launch[], mesa?: string): Promise<Shader[]> {
  const ofMatrices = launches.filter(isOfMatrices),
    plain = await plainSpirvOf(launches.filter((one) => !isOfMatrices(one)));
  if (ofMatrices.length > 0 && mesa === undefined) throw new Error("kernels of subgroup matrices need another Mesa");
  const matrices = mesa === undefined ? [] : await matrixSpirvOf(ofMatrices, mesa);
  return launches.flatMap((launch) => (isOfMatrices(launch) ? matrices : plain).shift() ?? []);
}

/** The value of a constant in front of a kernel. */
function constantIn({ kernel: { name, code } }: Launch, constant: string): number {
  const value = new RegExp(`^const ${constant} = (\\d+)u;`, "m").exec(code)?.[1];
  if (value === undefined) throw new Error(`${name} has no constant ${constant}`);
  return Number(value);
}

/** The same for kernels of subgroup matrices, each in a process on the other Mesa. */
async function matrixSpirvOf(launches: readonly Launch[], mesa: string): Promise<Shader[]> {
  const folder = await Deno.makeTempDir(), program = new URL("matrix_spirv.ts", import.meta.url).pathname;
  const shaders: Shader[] = [];
  try {
    for (const launch of launches) {
      const { name, code } = launch.kernel, path = join(folder, "kernel.json"), constants = overridesOf(launch);
      const modules = await Deno.makeTempDir({ dir: folder });
      await Deno.writeTextFile(path, JSON.stringify({ code, constants } satisfies MatrixKernel));
      const { success, stderr } = await onMesa(mesa, ["run", "-A", "--no-check", program, path], { [DUMP]: modules })
        .output();
      if (!success) throw new Error(`${name}: ${new TextDecoder().decode(stderr)}`);
      const size = (letter: string) => constantIn(launch, `MATRIX_${letter}`);
      const words = withSizes(await takeOnly(modules), { M: size("M"), N: size("N"), K: size("K") });
      shaders.push({ ...shaderOf(words), lanes: constantIn(launch, "LANES") });
    }
    return shaders;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function plainSpirvOf(launches: readonly Launch[]): Promise<Shader[]> {
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
