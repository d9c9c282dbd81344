/** The system calls of a process on its own files, at which it can be killed. */
import type { Case } from "./cases.ts";
import { endOf, type Workshop } from "./place.ts";

/** System calls that change the disk, and those that open files. */
const CALLS = [
  "openat",
  "write",
  "ftruncate",
  "fsync",
  "fdatasync",
  "rename",
  "renameat2",
  "unlink",
  "unlinkat",
  "rmdir",
  "mkdir",
  "mkdirat",
];

/** The `nth` such call of a thread. */
export interface SystemCall {
  readonly name: string;
  readonly nth: number;
}

/** The reason why strace cannot be used; undefined when it can. */
export async function whyNoStrace(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "strace is for Linux";
  try {
    const args = ["-f", "-e", "inject=fsync:signal=SIGKILL:when=1", "true"];
    const { success, stderr } = await new Deno.Command("strace", { args, stdout: "null", stderr: "piped" }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().split("\n")[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no strace on this machine";
    throw error;
  }
}

/** The words before a command that kill it at the start of a system call. */
export const killedAt = ({ name, nth }: SystemCall): string[] =>
  `strace -f -qqq -o /dev/null -e trace=${name} -e inject=${name}:signal=SIGKILL:when=${nth}`.split(" ");

/** All system calls of an undisturbed run on its own folder, by name. Like in strace, each thread counts its own calls. */
export async function callsOf(shop: Workshop, of: Case): Promise<Map<string, SystemCall[]>> {
  const folder = await shop.place(of, `${of.name} traced`), log = `${folder}.trace`;
  const before = ["strace", "-f", "-qqq", "-y", "-s", "400", "-e", `trace=${CALLS.join(",")}`, "-o", log];
  await endOf(shop.start(of, folder, before));
  const seen = new Map<string, number>(), calls = new Map<string, SystemCall[]>();
  for (const line of (await Deno.readTextFile(log)).split("\n")) {
    const [, thread, name] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (!name) continue;
    const key = `${thread} ${name}`, nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    const relative = /\(AT_FDCWD<[^>]*>, "(?!\/)|^\d+ +\w+\("(?!\/)/.test(line);
    if (relative || line.replace(/^[^(]*\(AT_FDCWD<[^>]*>/, "").includes(folder)) {
      calls.set(name, [...calls.get(name) ?? [], { name, nth }]);
    }
  }
  await Promise.all([Deno.remove(folder, { recursive: true }), Deno.remove(log)]);
  return calls;
}
