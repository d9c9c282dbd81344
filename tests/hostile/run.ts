/**
 * Opens hostile run folders with every command that reads or writes a run. Exit code 1 where a command changes something outside of
 * the run, shows or copies a private file, takes more than a minute or 1.2 GB, or ends with anything but success or an error in words.
 * `--only WORD`: folders whose name has the word. `--command NAME`: this command alone. `--every N`: every Nth call, so that each
 * folder and each command has some.
 *
 *     deno run -A tests/hostile/run.ts
 */
import { createHash } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { HymbaError } from "../../core/errors.ts";
import { hymba, makePlace, type Place, start } from "../cli/command_line.ts";
import { type Beside, hostileCalls, TRAINED } from "./commands.ts";
import { HOSTILE_FOLDERS, type HostileFolder } from "./folders.ts";

const SECONDS = 60, MIB = 1200, DIARY = "my diary\n".repeat(50);

/** Where the run is when its folder is a link that the user gave. It may change there. */
const LINKED_RUN = "elsewhere";

/** What lies below a folder: sizes and hashes of files, targets of links. */
function contents(folder: string, below = ""): string[] {
  return [...Deno.readDirSync(join(folder, below))].filter(({ name }) => below !== "" || name !== LINKED_RUN).flatMap(
    ({ name, isSymlink, isDirectory }) => {
      const path = `${below}/${name}`, whole = join(folder, path);
      if (isSymlink) return [`${path} -> ${Deno.readLinkSync(whole)}`];
      if (isDirectory) return [path, ...contents(folder, path)];
      const { size, isFile } = Deno.lstatSync(whole);
      const hash = isFile && size < 2 ** 26 ? createHash("sha256").update(Deno.readFileSync(whole)).digest("hex") : "";
      return [`${path} ${size} ${hash}`];
    },
  ).sort();
}

/** The most memory of a process until now, in MiB; 0 when it has ended. */
function peak(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || String(error).includes("ESRCH")) return 0;
    throw error;
  }
}

interface Call {
  readonly code: number;
  readonly said: string;
  readonly mib: number;
  readonly seconds: number;
  readonly stopped: boolean;
}

/** One command, stopped when it takes too long or too much memory. */
async function call(place: Place, words: readonly string[]): Promise<Call> {
  const begun = performance.now(), seconds = () => (performance.now() - begun) / 1000;
  const child = start(place, words);
  let mib = 0, stopped = false;
  const timer = setInterval(() => {
    mib = Math.max(mib, peak(child.pid));
    if (stopped || (seconds() < SECONDS && mib < 4 * MIB)) return;
    stopped = true;
    child.kill("SIGKILL");
  }, 50);
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  clearInterval(timer);
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr), mib, seconds: seconds(), stopped };
}

/** Whether a file that the command wrote has the private text. */
const copied = (folder: string): boolean =>
  [...Deno.readDirSync(folder)].some(({ name, isDirectory, isFile }) =>
    isDirectory ? copied(join(folder, name)) : isFile && Deno.lstatSync(join(folder, name)).size < 2 ** 24 &&
      Deno.readTextFileSync(join(folder, name)).includes("my diary")
  );

/** What a call did wrong, in words. */
function wrongs({ code, said, mib, stopped }: Call, changed: readonly string[], out: string): string[] {
  const all: [boolean, string][] = [
    [stopped, "had to be stopped"],
    [changed.length > 0, `changed outside of the run: ${changed.slice(0, 3).join(", ")}`],
    [![0, 1, 2].includes(code) || /internal fault|^ {4}at /m.test(said), "ended without an error in words"],
    [mib > MIB, `took ${mib.toFixed(0)} MiB`],
    [said.includes("my diary"), "showed a private file"],
    [copied(out), "copied a private file"],
  ];
  return all.filter(([is]) => is).map(([, words]) => words);
}

async function tried(place: Place, made: string, folder: HostileFolder, name: string): Promise<boolean> {
  const top = join(place.folder, "tried"),
    beside: Beside = {
      run: join(top, "run"),
      outside: join(top, "outside"),
      out: join(top, "out"),
      other: join(place.folder, "other"),
      text: place.text,
    };
  await Deno.remove(top, { recursive: true }).catch(() => {});
  await Deno.mkdir(beside.outside, { recursive: true });
  await Deno.mkdir(beside.out);
  await Deno.writeTextFile(join(beside.outside, "diary.txt"), DIARY);
  await cp(made, beside.run, { recursive: true, verbatimSymlinks: true });
  await folder.spoil(beside);
  const before = contents(beside.outside), ended = await call(place, hostileCalls(beside)[name] ?? []);
  const after = contents(beside.outside),
    differ = [...before, ...after].filter((one) => !before.includes(one) || !after.includes(one));
  const found = wrongs(ended, differ, beside.out), { code, seconds, mib } = ended;
  const error = ended.said.split("\n").find((line) => line.startsWith("hymba: ")) ?? "";
  console.log([
    found.length > 0 ? "WRONG" : "ok   ",
    `${folder.name} | ${name} | exit code ${code}, ${seconds.toFixed(1)} s, ${mib.toFixed(0)} MiB`,
    ...found,
    error.replaceAll(top, "").slice(0, 120),
  ].join(" | "));
  return found.length === 0;
}

async function trained(place: Place, name: string, only: readonly string[] = []): Promise<string> {
  const out = join(place.folder, name);
  const { code, error } = await hymba(place, "ablate", ...TRAINED, ...only, "--data", place.text, "--out", out);
  if (code !== 0) throw new HymbaError(`the run for the hostile folders was not made: ${error}`);
  return out;
}

const { values } = parseArgs({
  options: { only: { type: "string" }, command: { type: "string" }, every: { type: "string", default: "1" } },
});
const place = await makePlace();
let calls = 0, wrong = 0, index = 0;
try {
  const made = await trained(place, "made");
  await trained(place, "other", ["--set", "pretraining.steps=8"]);
  const names = Object.keys(hostileCalls({ run: "", outside: "", text: "", other: "", out: "" }));
  for (const folder of HOSTILE_FOLDERS.filter(({ name }) => name.includes(values.only ?? ""))) {
    for (const name of names.filter((one) => values.command === undefined || one === values.command)) {
      if (index++ % Number(values.every) !== 0) continue;
      calls++;
      if (!await tried(place, made, folder, name)) wrong++;
    }
  }
} finally {
  await Deno.remove(place.folder, { recursive: true });
}
console.log(`${calls - wrong} of ${calls} calls are right`);
if (wrong > 0) Deno.exitCode = 1;
