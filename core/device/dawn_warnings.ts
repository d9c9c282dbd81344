import { cLibrary, thisPlatform } from "../system/mod.ts";

/**
 * Hides harmless warnings of Dawn: two limits that it lowers for every Vulkan driver, and missing drivers, which this program
 * handles. Dawn writes them directly to file descriptor 2 when it lists the drivers, and it has no option to turn them off.
 * All other lines are printed, after a short delay.
 */
const HARMLESS = new RegExp(
  [
    "maxDynamic\\w+BuffersPerPipelineLayout artificially reduced .*\\n",
    "vkCreateInstance: Found no drivers!\\n",
    "vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\\n +at .*\\n\\n?",
  ].map((warning) => `^Warning: ${warning}`).join("|"),
  "gm",
);

const STDERR = 2;
/** SEEK_END */
const FROM_END = 2;

const SYMBOLS = {
  dup: { parameters: ["i32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
} as const;

type System = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
let system: System | null | undefined;

function openSystem(): System | null {
  const library = cLibrary(thisPlatform);
  if (library === undefined) return null;
  try {
    return Deno.dlopen(library, SYMBOLS).symbols;
  } catch {
    return null;
  }
}

/** The content of a file by its descriptor. */
function contentOf(system: System, file: number): string {
  const bytes = new Uint8Array(Number(system.lseek(file, 0n, FROM_END)));
  const read = Number(system.pread(file, bytes, BigInt(bytes.length), 0n));
  return new TextDecoder().decode(bytes.subarray(0, Math.max(0, read)));
}

/** Runs `work` without Dawn's harmless warnings. Only one call at a time, because descriptor 2 belongs to the whole process. */
export async function withoutHarmlessWarnings<T>(work: () => Promise<T>): Promise<T> {
  system ??= openSystem();
  // An anonymous file in memory: a killed process leaves nothing behind.
  const file = system?.memfd_create(new TextEncoder().encode("hymba-stderr\0"), 0) ?? -1;
  if (!system || file < 0) return await work();
  const saved = system.dup(STDERR);
  system.dup2(file, STDERR);
  try {
    return await work();
  } finally {
    system.dup2(saved, STDERR);
    const rest = contentOf(system, file).replaceAll(HARMLESS, "");
    system.close(saved);
    system.close(file);
    if (rest !== "") Deno.stderr.writeSync(new TextEncoder().encode(rest));
  }
}
