/** The folders in which commands are killed. Each has its own run, texts, caches and temporary folder. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../core/disk/mod.ts";
import { at } from "../../core/lists.ts";
import { makePlace } from "../cli/command_line.ts";
import { serve } from "../data/local_server.ts";
import { type Case, FINISHED, PRETRAINED } from "./cases.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** How a process ended. */
export interface End {
  readonly code: number;
  readonly killed: boolean;
  readonly out: string;
  readonly error: string;
}

/** The templates of the folders, and a server with a corpus. */
export interface Workshop extends AsyncDisposable {
  /** Makes the folder of a case for its command. */
  place(of: Case, name: string): Promise<string>;
  /** Starts the process of a case in its folder. `before` is a command that runs it. */
  start(of: Case, folder: string, before?: readonly string[]): Deno.ChildProcess;
}

/** Waits for a process. A process that strace kills also counts as killed. */
export async function endOf(child: Deno.ChildProcess): Promise<End> {
  const { code, signal, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  return {
    code,
    killed: signal === "SIGKILL" || code === 137,
    out: decoder.decode(stdout),
    error: decoder.decode(stderr),
  };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** Starts a command with these variables of the environment, in a folder of its own. */
const starter =
  (shared: Readonly<Record<string, string>>): Workshop["start"] => ({ words, input, program }, cwd, before = []) => {
    const deno = [Deno.execPath(), "run", "-A", "--no-check", program ?? MAIN, ...words];
    const redirected = input === undefined ? deno : ["sh", "-c", `exec "$@" < ${input}`, "sh", ...deno];
    const all = [...before, ...redirected];
    return new Deno.Command(at(all, 0), {
      args: all.slice(1),
      cwd,
      env: { ...shared, XDG_CACHE_HOME: join(cwd, "cache"), TMPDIR: join(cwd, "tmp") },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  };

/** Makes the two runs that commands need, and starts a server with a text. */
export async function openWorkshop(): Promise<Workshop> {
  const { folder, text, environment } = await makePlace(), served = await Deno.readFile(text), server = serve(served);
  const shared = {
    ...environment,
    // A software driver compiles for a minute. Its shader cache is shared by all folders.
    MESA_SHADER_CACHE_DIR: join(folder, "shaders"),
    OBTAIN_URL: server.url,
    OBTAIN_WHAT: `${served.length} ${sha256(served)}`,
  };
  const start = starter(shared);
  const place: Workshop["place"] = async ({ on }, name) => {
    const target = join(folder, name);
    await Deno.mkdir(join(target, "tmp"), { recursive: true });
    await Deno.copyFile(text, join(target, "text.txt"));
    await Deno.writeTextFile(join(target, "ids.txt"), "5 6 7\n8 9 10 11\n".repeat(200));
    if (on) await copyFolder(join(folder, on, "run"), join(target, "run"));
    return target;
  };
  for (const [name, words] of [["finished", FINISHED], ["pretrained", PRETRAINED]] as const) {
    const made = { name, words }, { code, error } = await endOf(start(made, await place(made, name)));
    assert.equal(code, 0, error);
  }
  return {
    place,
    start,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
