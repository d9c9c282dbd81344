/**
 * Counts the native memory that Deno 2.9.6 never frees. Its N-API leaks a block of 32 bytes for each object of a native module, and
 * one of 24 bytes for each function. Node leaks almost nothing for the same calls (./native_objects.mjs). In glibc's heap such a block
 * is a chunk of 48 bytes, sometimes 64, or of 32 bytes. These constants are means over a walk of the heap (./chunks.ts).
 */
import { present } from "../../core/lists.ts";

const OBJECT_BYTES = 50, FUNCTION_BYTES = 32;

/** Functions of Dawn that create one object per call. */
const MAKERS: Readonly<Record<string, readonly string[]>> = {
  GPUDevice: ["createBuffer", "createBindGroup", "createCommandEncoder", "createShaderModule"],
  GPUCommandEncoder: ["beginComputePass", "finish"],
  GPUComputePipeline: ["getBindGroupLayout"],
};

type Callable = (...rest: unknown[]) => unknown;

/** Runs `seen` before each call of a method. */
function watch(holder: Record<string, Callable>, { method, seen }: { method: string; seen: (first: unknown) => void }) {
  const original = present(holder[method], method);
  Object.defineProperty(holder, method, {
    configurable: true,
    writable: true,
    value(this: unknown, ...rest: unknown[]) {
      seen(rest[0]);
      return original.apply(this, rest);
    },
  });
}

/** Numbers of objects and functions that Dawn's module has made since the count started. */
export interface Made {
  objects: number;
  functions: number;
}

/** Bytes that Deno does not free of these objects and functions. */
export const keptBytes = ({ objects, functions }: Made): number => objects * OBJECT_BYTES + functions * FUNCTION_BYTES;

/** Starts the count. Call it after a device was opened, because that defines Dawn's classes. */
export function countMade(): Made {
  const made: Made = { objects: 0, functions: 0 };
  const classes = globalThis as unknown as Record<string, { prototype: Record<string, Callable> }>;
  for (const [name, methods] of Object.entries(MAKERS)) {
    for (const method of methods) {
      watch(present(classes[name], name).prototype, {
        method,
        seen: () => {
          made.objects++;
        },
      });
    }
  }
  // Dawn makes a function for each poll and passes it to setImmediate.
  const isNative = (value: unknown) => /\[native code\]/.test(Function.prototype.toString.call(value));
  const seen = (poll: unknown) => {
    if (isNative(poll)) made.functions++;
  };
  watch(globalThis as unknown as Record<string, Callable>, { method: "setImmediate", seen });
  return made;
}
