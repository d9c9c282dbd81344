/**
 * The real disk and real processes: killed at random, racing for one folder, on a full, read-only and limited file system.
 * `HYMBA_EXHAUSTIVE=1` kills 500 processes instead of 12. Tests that this machine cannot do are skipped, with the reason printed.
 */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { systemDisk } from "../../core/disk/mod.ts";
import { assertFinished, assertRecovers, nothingPromised, type Promised, run } from "./scenario.ts";

const exhaustive = Deno.env.get("HYMBA_EXHAUSTIVE") === "1";
const linux = Deno.build.os === "linux";
const CHILD = new URL("child.ts", import.meta.url).pathname;
const CHILD_ARGS = ["run", "-A", "--no-check", CHILD];

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await work(folder).finally(() => Deno.remove(folder, { recursive: true }));
}

const spawn = (command: string, args: string[]) =>
  new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Kills a process, unless it has just ended by itself. */
function killIfAlive(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
  }
}

/** Kills the process `after` milliseconds of its run, and returns what it had promised and whether it was killed. */
async function promisesOf(child: Deno.ChildProcess, { after }: { after: number }) {
  let promised: Promised = nothingPromised();
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const line of linesOf(child.stdout)) {
    if (line === "started") timer = setTimeout(() => killIfAlive(child), after);
    else promised = JSON.parse(line);
  }
  clearTimeout(timer);
  await child.stdin.close();
  return { promised, killed: (await child.status).signal === "SIGKILL" };
}

async function assertGoesOn(folder: string, promised: Promised): Promise<number> {
  const step = await assertRecovers(systemDisk, folder, promised);
  await run(systemDisk, folder);
  await assertFinished(systemDisk, folder);
  return step;
}

Deno.test("processes: killed at a random moment, the next one finishes the run", () =>
  withFolder(async (folder) => {
    const found = new Map<number, number>();
    let kills = 0;
    for (let i = 0; i < (exhaustive ? 500 : 12); i++) {
      const path = join(folder, String(i));
      const child = spawn(Deno.execPath(), [...CHILD_ARGS, "run", path]);
      const { promised, killed } = await promisesOf(child, { after: Math.random() * 40 });
      if (killed) kills++;
      const step = await assertGoesOn(path, promised);
      found.set(step, (found.get(step) ?? 0) + 1);
    }
    console.log(`processes: ${kills} killed, all recovered; by step found:`, Object.fromEntries(found));
    assert(kills > 0);
  }));

Deno.test("processes: two race for one folder, exactly one wins; a killed holder is not in the way", () =>
  withFolder(async (folder) => {
    const children = [0, 1].map(() => spawn(Deno.execPath(), [...CHILD_ARGS, "locks"]));
    const players = children.map((child) => ({ input: child.stdin.getWriter(), output: linesOf(child.stdout) }));
    const tell = (line: string) =>
      Promise.all(players.map(({ input }) => input.write(new TextEncoder().encode(`${line}\n`))));
    const answers = async () =>
      (await Promise.all(players.map(({ output }) => output.next()))).map(({ value }) => value);
    const wins = [0, 0];
    for (let i = 0; i < 1000; i++) {
      await tell(join(folder, String(i % 10)));
      const both = await answers();
      assert.deepEqual(both.toSorted(), ["lost", "won"], `race ${i}`);
      wins[both.indexOf("won")]!++;
      await tell("");
    }
    console.log(`processes: 1000 races, won ${wins[0]} : ${wins[1]}`);
    await tell(join(folder, "last"));
    const loser = (await answers()).indexOf("lost");
    children[1 - loser]!.kill("SIGKILL");
    await children[1 - loser]!.status;
    await players[loser]!.input.write(new TextEncoder().encode(`${join(folder, "last")}\n`));
    assert.equal((await players[loser]!.output.next()).value, "won");
    await players[loser]!.input.close();
    await players[1 - loser]!.input.close().catch(() => {});
    await Promise.all([...children.map((child) => child.status), ...players.map(({ output }) => output.return())]);
  }));

/** Runs a shell command in its own mount namespace with a tmpfs at $1. Undefined where this is not allowed. */
async function onTmpfs(size: string, mode: string): Promise<string | undefined> {
  let said: string | undefined;
  await withFolder(async (folder) => {
    const script = `mount -t tmpfs -o size=${size} none "$1" || exit 77; shift; exec "$@"`;
    const args = ["-rm", "sh", "-c", script, "sh", folder, Deno.execPath(), ...CHILD_ARGS, mode, folder];
    const output = await new Deno.Command("unshare", { args, stdout: "piped", stderr: "piped" }).output();
    const unshared = output.code !== 77 && !new TextDecoder().decode(output.stderr).startsWith("unshare:");
    if (!unshared) return;
    assert(output.success, new TextDecoder().decode(output.stderr));
    said = new TextDecoder().decode(output.stdout);
  });
  if (said === undefined) console.log(`processes: no mount of our own on this machine, ${mode} is not tested`);
  return said;
}

Deno.test({
  name: "processes: a 512 KiB disk, filled to every degree, is refused by its name and loses nothing",
  ignore: !linux,
  fn: async () => {
    const said = await onTmpfs("512k", "fill");
    if (said === undefined) return;
    const codes: Record<string, number> = JSON.parse(said);
    console.log("processes: 512 KiB disk, runs by error:", codes);
    assert.deepEqual(Object.keys(codes).sort(), ["ENOSPC", "none"]);
    assert(codes.ENOSPC! > 5);
  },
});

Deno.test({
  name: "processes: a read-only disk is refused by its name",
  ignore: !linux,
  fn: async () => {
    const said = await onTmpfs("1m", "readonly");
    if (said !== undefined) assert.deepEqual(JSON.parse(said), { EROFS: 1 });
  },
});

async function limited(limits: string, mode: string): Promise<unknown> {
  let codes: unknown;
  await withFolder(async (folder) => {
    const args = ["-c", `${limits}; exec "$@"`, "sh", Deno.execPath(), ...CHILD_ARGS, mode, join(folder, "run")];
    await Deno.mkdir(join(folder, "run"));
    const output = await new Deno.Command("sh", { args, stdout: "piped", stderr: "piped" }).output();
    assert(output.success, new TextDecoder().decode(output.stderr));
    codes = JSON.parse(new TextDecoder().decode(output.stdout));
  });
  return codes;
}

Deno.test({
  name: "processes: no file handle left, and a limit on file size, are refused by their names",
  ignore: !linux,
  fn: async () => {
    const codes = await limited("ulimit -n 200", "handles");
    assert.ok(Array.isArray(codes) && codes.length === 4);
    // In between it depends on what Deno itself has open.
    assert.deepEqual([codes[0], codes[3]], ["EMFILE", "none"]);
    assert.ok(codes.every((code) => code === "EMFILE" || code === "none"), codes.join());
    assert.deepEqual(await limited("trap '' XFSZ; ulimit -f 1", "big"), { EFBIG: 1 });
  },
});
