/**
 * Keeps two harmless lines of Dawn's from the user's terminal. Dawn writes them to file descriptor 2 itself whenever it looks at
 * a Vulkan driver, and has no switch for that; every other line goes through, a moment later.
 */
const HARMLESS = /^Warning: maxDynamic\w+BuffersPerPipelineLayout artificially reduced/;

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
    const lines = (await Deno.readTextFile(path)).split(/(?<=\n)/);
    await Deno.remove(path);
    const rest = lines.filter((line) => !HARMLESS.test(line)).join("");
    if (rest !== "") Deno.stderr.writeSync(new TextEncoder().encode(rest));
  }
}
