/**
 * The scenario in a separate process, on the real disk, for tests that kill it or make its disk fail.
 *
 *     run FOLDER    runs it and prints every promise as a line of JSON
 *     locks         for each line on stdin: a path to lock, or nothing to release
 *     fill MOUNT    runs it on a small disk, filled to every degree
 *     readonly MOUNT, handles FOLDER, big FOLDER    runs it where files cannot be written, opened or grow
 */
import { strict as assert } from "node:assert";
import { type Disk, DiskError, type LockedFolder, lockFolder, systemDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { assertFinished, assertRecovers, nothingPromised, run } from "./scenario.ts";

const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

/** A disk that always reports free space, so that the run fills the real disk in the middle of a write. */
const roomy: Disk = { ...systemDisk, freeSpace: () => Promise.resolve(2 ** 40) };

/** Runs while the disk is broken, and again after `mend`. Returns the code of the error, if there was one. */
async function brokenRun(folder: string, mend: () => Promise<void>): Promise<string | undefined> {
  const promised = nothingPromised();
  const error: unknown = await run(roomy, folder, promised).then(() => undefined, (error) => error);
  await mend();
  if (error !== undefined && !(error instanceof DiskError)) throw error;
  await assertRecovers(systemDisk, folder, promised);
  await run(roomy, folder);
  await assertFinished(systemDisk, folder);
  return error?.code;
}

async function mount(options: string, folder: string): Promise<void> {
  const { success } = await new Deno.Command("mount", { args: ["-o", options, folder] }).output();
  assert(success, `mount -o ${options}`);
}

async function fill(folder: string): Promise<void> {
  const codes: Record<string, number> = {};
  for (let free = 0; free <= 160; free += 4) {
    const ballast = `${folder}/ballast`;
    const file = await Deno.open(ballast, { write: true, create: true });
    const page = new Uint8Array(4096);
    while (await file.write(page).catch(() => 0) === page.length);
    await file.truncate((await file.stat()).size - free * 1024);
    file.close();
    const code = await brokenRun(`${folder}/run`, () => Deno.remove(ballast)) ?? "none";
    codes[code] = (codes[code] ?? 0) + 1;
    await Deno.remove(`${folder}/run`, { recursive: true });
  }
  say(JSON.stringify(codes));
}

async function readonly(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/run`);
  await mount("remount,ro", folder);
  say(JSON.stringify({ [await brokenRun(`${folder}/run`, () => mount("remount,rw", folder)) ?? "none"]: 1 }));
}

async function handles(folder: string): Promise<void> {
  const codes: string[] = [];
  // Deno opens a pipe when it first listens for a signal. Without a free handle it would panic there.
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  for (const spare of [0, 1, 2, 16]) {
    const open: Deno.FsFile[] = [];
    while (await Deno.open("/dev/null").then((file) => open.push(file), () => 0) > 0);
    for (let i = 0; i < spare; i++) open.pop()?.close();
    const mend = () => Promise.resolve(open.forEach((file) => file.close()));
    codes.push(await brokenRun(`${folder}/${spare}`, mend) ?? "none");
  }
  Deno.removeSignalListener("SIGUSR2", ignore);
  say(JSON.stringify(codes));
}

async function big(folder: string): Promise<void> {
  const error: unknown = await run(roomy, folder).then(() => undefined, (error) => error);
  say(JSON.stringify({ [error instanceof DiskError ? error.code : String(error)]: 1 }));
}

async function locks(): Promise<void> {
  let held: LockedFolder | undefined;
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") held = void await held?.close();
      else {
        held = await lockFolder(systemDisk, line).catch((error) => {
          if (error instanceof HymbaError && !(error instanceof DiskError)) return undefined;
          throw error;
        });
        say(held ? "won" : "lost");
      }
    }
  }
}

async function runAndTell(folder: string): Promise<void> {
  const promised = nothingPromised();
  say("started");
  await run(systemDisk, folder, {
    get record() {
      return promised.record;
    },
    set record(record) {
      promised.record = record;
      say(JSON.stringify(promised));
    },
    get step() {
      return promised.step;
    },
    set step(step) {
      promised.step = step;
      say(JSON.stringify(promised));
    },
  });
}

const [mode, folder = ""] = Deno.args;
const modes: Record<string, (folder: string) => Promise<void>> = {
  run: runAndTell,
  locks,
  fill,
  readonly,
  handles,
  big,
};
await modes[mode ?? ""]?.(folder);
