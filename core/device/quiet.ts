/**
 * Keeps lines of Dawn's that only alarm from the user's terminal: two limits that are lowered for every Vulkan driver, and the
 * absence of drivers, which has a remedy here. Dawn writes them to file descriptor 2 itself whenever it looks at the drivers,
 * and has no switch for that; every other line goes through, a moment later.
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
/** O_RDWR; the file is there already. */
const READ_WRITE = 2;

const SYMBOLS = {
  dup: { parameters: ["i32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

type System = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
let system: System | null | undefined;

function openSystem(): System | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return null;
  }
}

/** Runs `work`, which may make Dawn write its harmless lines, without them. One at a time: descriptor 2 is the process's. */
export async function withoutHarmlessWarnings<T>(work: () => Promise<T>): Promise<T> {
  system ??= openSystem();
  const path = system && await Deno.makeTempFile().catch(() => undefined);
  if (!system || !path) return await work();
  const file = system.open(new TextEncoder().encode(`${path}\0`), READ_WRITE);
  const saved = system.dup(STDERR);
  system.dup2(file, STDERR);
  try {
    return await work();
  } finally {
    system.dup2(saved, STDERR);
    system.close(saved);
    system.close(file);
    const rest = (await Deno.readTextFile(path)).replaceAll(HARMLESS, "");
    await Deno.remove(path);
    if (rest !== "") Deno.stderr.writeSync(new TextEncoder().encode(rest));
  }
}
