/** Folders in which commands are killed: each has its own run, texts, caches and folder for temporaries. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../core/disk/mod.ts";
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

/** What all folders are copied from, and where a corpus is served. */
export interface Workshop extends AsyncDisposable {
  /** Makes the folder of a case, as it is before the command. */
  place(of: Case, name: string): Promise<string>;
  /** The process of a case in its folder, with `before` in front of its words. */
  start(of: Case, folder: string, before?: readonly string[]): Deno.ChildProcess;
}

/** Waits for a process. One that strace watches and kills ends as if it were killed itself. */
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

/** Trains the two runs that commands work on, and starts a server of a text. */
export async function openWorkshop(): Promise<Workshop> {
  const { folder, text, environment } = await makePlace(), served = await Deno.readFile(text), server = serve(served);
  const shared = {
    ...environment,
    // A software driver compiles for a minute; what it keeps is its own.
    MESA_SHADER_CACHE_DIR: join(folder, "shaders"),
    OBTAIN_URL: server.url,
    OBTAIN_WHAT: `${served.length} ${sha256(served)}`,
  };
  const start: Workshop["start"] = ({ words, input, program }, at, before = []) => {
    const deno = [Deno.execPath(), "run", "-A", "--no-check", program ?? MAIN, ...words];
    const args = input === undefined ? deno : ["sh", "-c", `exec "$@" < ${input}`, "sh", ...deno];
    const [command, ...rest] = [...before, ...args];
    return new Deno.Command(command!, {
      args: rest,
      cwd: at,
      env: { ...shared, XDG_CACHE_HOME: join(at, "cache"), TMPDIR: join(at, "tmp") },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  };
  const place: Workshop["place"] = async ({ on }, name) => {
    const at = join(folder, name);
    await Deno.mkdir(join(at, "tmp"), { recursive: true });
    await Deno.copyFile(text, join(at, "text.txt"));
    await Deno.writeTextFile(join(at, "ids.txt"), "5 6 7\n8 9 10 11\n".repeat(200));
    if (on) await copyFolder(join(folder, on, "run"), join(at, "run"));
    return at;
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
