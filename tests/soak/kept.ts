/**
 * What Deno 2.9.6 keeps for good of native objects, counted. Its N-API frees neither the block of 32 bytes behind each object that
 * a native module hands out nor that of 24 behind each function; under Node the same calls keep next to nothing
 * (./native_objects.mjs). glibc makes chunks of 48 bytes, sometimes 64, and of 32 of them: a walk over its heap finds them by number,
 * and these means (./chunks.ts).
 */
const OBJECT_BYTES = 50, FUNCTION_BYTES = 32;

/** Calls of Dawn's that hand out one object each. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  GPUDevice: ["createBuffer", "createBindGroup", "createCommandEncoder", "createShaderModule"],
  GPUCommandEncoder: ["beginComputePass", "finish"],
  GPUComputePipeline: ["getBindGroupLayout"],
};

type Callable = (...rest: unknown[]) => unknown;

/** Runs `seen` before each call of a method. */
function watch(holder: Record<string, Callable>, { method, seen }: { method: string; seen: (first: unknown) => void }) {
  const original = holder[method]!;
  Object.defineProperty(holder, method, {
    configurable: true,
    writable: true,
    value(this: unknown, ...rest: unknown[]) {
      seen(rest[0]);
      return original.apply(this, rest);
    },
  });
}

/** What Dawn's module made since the counting began. */
export interface Made {
  objects: number;
  functions: number;
}

/** Bytes that Deno keeps of what was made. */
export const keptBytes = ({ objects, functions }: Made): number => objects * OBJECT_BYTES + functions * FUNCTION_BYTES;

/** Counts from now on; call it after a device was opened, which brings Dawn's classes. */
export function countMade(): Made {
  const made: Made = { objects: 0, functions: 0 };
  const classes = globalThis as unknown as Record<string, { prototype: Record<string, Callable> }>;
  for (const [name, methods] of Object.entries(MAKERS)) {
    for (const method of methods) {
      watch(classes[name]!.prototype, { method, seen: () => void made.objects++ });
    }
  }
  // Dawn makes a function for each poll and gives it to setImmediate.
  const isNative = (value: unknown) => /\[native code\]/.test(Function.prototype.toString.call(value));
  const seen = (poll: unknown) => void (made.functions += Number(isNative(poll)));
  watch(globalThis as unknown as Record<string, Callable>, { method: "setImmediate", seen });
  return made;
}
