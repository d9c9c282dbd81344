/**
 * The part of Vulkan that is needed to compile a compute shader, through Deno's foreign function interface. RADV compiles for the chip
 * in `RADV_FORCE_FAMILY` without such a chip, but it cannot run the result.
 */

const POINTER = "buffer", HANDLE = "pointer", COUNT = "u32";
const SYMBOLS = {
  vkCreateInstance: { parameters: [POINTER, HANDLE, POINTER], result: "i32" },
  vkEnumeratePhysicalDevices: { parameters: [HANDLE, POINTER, POINTER], result: "i32" },
  vkGetPhysicalDeviceFeatures2: { parameters: [HANDLE, POINTER], result: "void" },
  vkCreateDevice: { parameters: [HANDLE, POINTER, HANDLE, POINTER], result: "i32" },
  vkGetDeviceProcAddr: { parameters: [HANDLE, POINTER], result: "pointer" },
  vkCreateShaderModule: { parameters: [HANDLE, POINTER, HANDLE, POINTER], result: "i32" },
  vkDestroyShaderModule: { parameters: [HANDLE, HANDLE, HANDLE], result: "void" },
  vkCreateDescriptorSetLayout: { parameters: [HANDLE, POINTER, HANDLE, POINTER], result: "i32" },
  vkCreatePipelineLayout: { parameters: [HANDLE, POINTER, HANDLE, POINTER], result: "i32" },
  vkCreateComputePipelines: { parameters: [HANDLE, HANDLE, COUNT, POINTER, HANDLE, POINTER], result: "i32" },
  vkDestroyPipeline: { parameters: [HANDLE, HANDLE, HANDLE], result: "void" },
} as const;
/** Flags of VK_KHR_pipeline_executable_properties. */
const ASKED = { parameters: [HANDLE, POINTER, POINTER, "pointer"], result: "i32" } as const;

type Field = number | bigint | Uint8Array | null;

/** A C struct: numbers have 32 bits, bigints 64, and bytes are stored as a pointer. Members are aligned to their size. */
class Struct {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The targets of the pointers. They have to live as long as the struct. */
  readonly kept: readonly Field[];

  constructor(fields: readonly Field[], { size = 0 }: { size?: number } = {}) {
    const bytes = new Uint8Array(Math.max(size, 8 * fields.length)), view = new DataView(bytes.buffer);
    let at = 0;
    for (const field of fields) {
      if (typeof field === "number") {
        view.setUint32(at, field, true);
        at += 4;
        continue;
      }
      at = 8 * Math.ceil(at / 8);
      view.setBigUint64(at, typeof field === "bigint" ? field : address(field), true);
      at += 8;
    }
    this.bytes = bytes;
    this.kept = fields;
  }
}

function address(bytes: Uint8Array | null): bigint {
  if (!bytes) return 0n;
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>));
}

const text = (string: string) => new TextEncoder().encode(`${string}\0`);

/** Structures by their numbers in `VkStructureType`. */
const TYPE = {
  instance: 1,
  queue: 2,
  device: 3,
  module: 16,
  stage: 18,
  pipeline: 29,
  pipelineLayout: 30,
  setLayout: 32,
  application: 0,
  features: 1000059000,
  features11: 49,
  features12: 51,
  features13: 53,
  executables: 1000269000,
  executable: 1000269003,
  statistic: 1000269004,
  representation: 1000269005,
  subgroupSize: 1000225001,
  matrices: 1000506000,
};
/** Extensions that are enabled: what the compiler says about a pipeline, and matrices of subgroups. */
const EXECUTABLES = "VK_KHR_pipeline_executable_properties", MATRICES = "VK_KHR_cooperative_matrix";
const VERSION_1_3 = (1 << 22) | (3 << 12), COMPUTE = 0x20, PUSHED_BYTES = 64;
const UNIFORM = 6, STORAGE = 7;
const CAPTURE_STATISTICS = 0x40, CAPTURE_REPRESENTATIONS = 0x80;
/** Size of a `VkPipelineExecutableStatisticKHR` (bytes). */
const NAME_AT = 16, FORMAT_AT = 528, VALUE_AT = 536, STATISTIC_BYTES = 544;
/** Size of a `VkPipelineExecutableInternalRepresentationKHR` (bytes). */
const SIZE_AT = 536, DATA_AT = 544, REPRESENTATION_BYTES = 552;

/** The driver's report of one compute shader. */
export interface Compiled {
  /** Numbers by the driver's names. */
  readonly statistics: Readonly<Record<string, number>>;
  /** Texts of the compiler's stages and of the machine code, by name. */
  readonly representations: Readonly<Record<string, string>>;
}

export interface Shader {
  readonly words: Uint8Array<ArrayBuffer>;
  readonly entry: string;
  /** Size of a workgroup. */
  readonly invocations: number;
  /** Kinds of bindings by their number in set 0. */
  readonly bindings: readonly ("storage" | "uniform")[];
  /** Invocations of a subgroup, for kernels that fix them; absent where the driver chooses. */
  readonly lanes?: number;
}

type Library = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * A device of the first driver that the loader finds (`VK_DRIVER_FILES`). `matrices`: with those of subgroups. Throws when there is none, or
 * the chip has no matrices.
 */
export class Compiler {
  readonly #vk: Library;
  readonly #device: Deno.PointerValue;
  readonly #extension: Record<"statistics" | "representations", Deno.UnsafeFnPointer<typeof ASKED>>;

  constructor({ matrices = false }: { matrices?: boolean } = {}) {
    const vk = this.#vk = Deno.dlopen("libvulkan.so.1", SYMBOLS).symbols;
    const application = new Struct([TYPE.application, null, null, 0, null, 0, VERSION_1_3]);
    const instance = made((out) =>
      vk.vkCreateInstance(bytes(TYPE.instance, null, 0, application.bytes, 0, null, 0, null), null, out)
    );
    const gpu = made((out) => vk.vkEnumeratePhysicalDevices(instance, Uint32Array.of(1), out), [0, 5]);
    if (!gpu) throw new Error("the Vulkan loader has no device");
    const executables = new Struct([TYPE.executables, null], { size: 24 });
    const multiplied = new Struct([TYPE.matrices, executables.bytes], { size: 24 });
    const features13 = new Struct([TYPE.features13, (matrices ? multiplied : executables).bytes], { size: 80 });
    const features12 = new Struct([TYPE.features12, features13.bytes], { size: 208 });
    const features11 = new Struct([TYPE.features11, features12.bytes], { size: 64 });
    const features = new Struct([TYPE.features, features11.bytes], { size: 240 });
    vk.vkGetPhysicalDeviceFeatures2(gpu, features.bytes);
    const queue = bytes(TYPE.queue, null, 0, 0, 1, new Uint8Array(Float32Array.of(1).buffer));
    const extensions = [EXECUTABLES, ...matrices ? [MATRICES] : []], names = bytes(...extensions.map(text));
    const wanted = bytes(TYPE.device, features.bytes, 0, 1, queue, 0, null, extensions.length, names, null);
    const device = this.#device = made((out) => vk.vkCreateDevice(gpu, wanted, null, out));
    const asked = (name: string) => {
      const found = vk.vkGetDeviceProcAddr(device, text(name));
      if (!found) throw new Error(`the driver has no ${name}`);
      return new Deno.UnsafeFnPointer(found as Deno.PointerObject<typeof ASKED>, ASKED);
    };
    this.#extension = {
      statistics: asked("vkGetPipelineExecutableStatisticsKHR"),
      representations: asked("vkGetPipelineExecutableInternalRepresentationsKHR"),
    };
  }

  compile({ words, entry, bindings, lanes }: Omit<Shader, "invocations">): Compiled {
    const vk = this.#vk, device = this.#device;
    const module = made((out) =>
      vk.vkCreateShaderModule(device, bytes(TYPE.module, null, 0, BigInt(words.length), words), null, out)
    );
    const layout = this.#layout(bindings), name = text(entry);
    // The stage lies inside VkComputePipelineCreateInfo, at a multiple of eight bytes.
    const fixed = lanes === undefined ? 0n : address(bytes(TYPE.subgroupSize, null, lanes, 0));
    const stage = [
      BigInt(TYPE.stage),
      fixed,
      0,
      COMPUTE,
      BigInt(Deno.UnsafePointer.value(module)),
      name,
      null,
    ] as const;
    const flags = CAPTURE_STATISTICS | CAPTURE_REPRESENTATIONS;
    const wanted = bytes(TYPE.pipeline, null, flags, ...stage, BigInt(Deno.UnsafePointer.value(layout)), 0n, 0);
    const pipeline = made((out) => vk.vkCreateComputePipelines(device, null, 1, wanted, null, out));
    const executable = bytes(TYPE.executable, null, BigInt(Deno.UnsafePointer.value(pipeline)), 0);
    const result = { statistics: this.#statistics(executable), representations: this.#representations(executable) };
    vk.vkDestroyPipeline(device, pipeline, null);
    vk.vkDestroyShaderModule(device, module, null);
    return result;
  }

  #layout(bindings: Shader["bindings"]): Deno.PointerValue {
    const all = new Uint8Array(24 * bindings.length), view = new DataView(all.buffer);
    for (const [i, kind] of bindings.entries()) {
      [i, kind === "uniform" ? UNIFORM : STORAGE, 1, COMPUTE].forEach((x, k) =>
        view.setUint32(24 * i + 4 * k, x, true)
      );
    }
    const vk = this.#vk, device = this.#device, wanted = bytes(TYPE.setLayout, null, 0, bindings.length, all);
    const set = made((out) => vk.vkCreateDescriptorSetLayout(device, wanted, null, out));
    const sets = bytes(BigInt(Deno.UnsafePointer.value(set))), pushed = bytes(COMPUTE, 0, PUSHED_BYTES);
    const layout = bytes(TYPE.pipelineLayout, null, 0, 1, sets, 1, pushed);
    return made((out) => vk.vkCreatePipelineLayout(device, layout, null, out));
  }

  #statistics(executable: Uint8Array<ArrayBuffer>): Record<string, number> {
    const { records, view } = this.#records("statistics", executable);
    return Object.fromEntries(records.map((at) => {
      const real = view.getUint32(at + FORMAT_AT, true) === 3;
      const value = real ? view.getFloat64(at + VALUE_AT, true) : Number(view.getBigUint64(at + VALUE_AT, true));
      return [nameIn(view, at), value];
    }));
  }

  #representations(executable: Uint8Array<ArrayBuffer>): Record<string, string> {
    const ask = this.#extension.representations, asked = this.#records("representations", executable);
    const { records, view, all, count } = asked;
    const texts = records.map((at) => new Uint8Array(Number(view.getBigUint64(at + SIZE_AT, true))));
    for (const [i, at] of records.entries()) view.setBigUint64(at + DATA_AT, address(texts[i] ?? null), true);
    checked(ask.call(this.#device, executable, count, Deno.UnsafePointer.of(all)));
    return Object.fromEntries(records.map((at, i) => {
      const letters = texts[i] ?? new Uint8Array();
      return [nameIn(view, at), new TextDecoder().decode(letters.subarray(0, -1))];
    }));
  }

  /** All records of an executable in the extension, and the start of each. */
  #records(kind: "statistics" | "representations", executable: Uint8Array<ArrayBuffer>) {
    const ask = this.#extension[kind], count = new Uint32Array(1);
    const [type, size] = kind === "statistics"
      ? [TYPE.statistic, STATISTIC_BYTES]
      : [TYPE.representation, REPRESENTATION_BYTES];
    checked(ask.call(this.#device, executable, count, null));
    const all = new Uint8Array(size * (count[0] ?? 0)), view = new DataView(all.buffer);
    const records = Array.from({ length: count[0] ?? 0 }, (_, i) => size * i);
    for (const at of records) view.setUint32(at, type, true);
    checked(ask.call(this.#device, executable, count, Deno.UnsafePointer.of(all)));
    return { records, view, all, count };
  }
}

const bytes = (...fields: readonly Field[]): Uint8Array<ArrayBuffer> => keep(new Struct(fields)).bytes;

/** Structs that C code points to. There are few, and they live as long as the process. */
const alive: Struct[] = [];
function keep(struct: Struct): Struct {
  alive.push(struct);
  return struct;
}

function checked(result: number, allowed: readonly number[] = [0]): void {
  if (!allowed.includes(result)) throw new Error(`Vulkan says ${result}`);
}

/** Memory for a handle that a call writes. */
function made(call: (out: Uint8Array<ArrayBuffer>) => number, allowed?: readonly number[]): Deno.PointerValue {
  const out = new Uint8Array(8);
  checked(call(out), allowed);
  return Deno.UnsafePointer.create(new DataView(out.buffer).getBigUint64(0, true));
}

function nameIn(view: DataView<ArrayBuffer>, at: number): string {
  const letters = new Uint8Array(view.buffer, at + NAME_AT, 256);
  return new TextDecoder().decode(letters.subarray(0, letters.indexOf(0)));
}
