/**
 * Runs tests and ends with one line, `N passed, N failed`. `--quick` leaves out the thorough ones (tests/thorough.ts).
 * Without a path or a filter it runs two parallel `deno test` processes, each on a few files at a time, and prints the output of each
 * process when it ends. Other arguments are passed on to one `deno test` (a path, `--filter NAME`).
 */
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);
const words = Deno.args.filter((word) => word !== "--quick");
const quick = words.length < Deno.args.length;

/** Processes beside each other. Most files compute on one core, some on two. */
const PROCESSES = 2;
/** Files of one process: enough that starting it costs little, few enough that both end at about the same time. */
const FILES = 4;

/** All test files below a folder, as paths from the root. */
function testFiles(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? testFiles(`${folder}${name}/`) : name.endsWith("_test.ts") ? [`${folder}${name}`] : []
  ).sort();
}

interface Ended {
  readonly passed: number;
  readonly failed: number;
  readonly code: number;
  /** What the process printed, without colours. */
  readonly said: string;
}

const SUMMARY = /(\d+) passed(?: \([^)]*\))? \| (\d+) failed/;
// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[0-9;]*m/g;

function print(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/** Runs `deno test` with these words. `live`: prints as it goes, else at the end. */
async function run(given: readonly string[], { live }: { live: boolean }): Promise<Ended> {
  const flags = ["-A", "--no-check", "--lock=tests/deno.lock", "--frozen", "--v8-flags=--expose-gc"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...flags, ...given],
    cwd: fileURLToPath(ROOT),
    env: quick ? { HYMBA_TESTS: "quick" } : {},
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (live) print(chunk);
  }
  const { code } = await child.status, said = text.replace(COLOUR, ""), [, passed, failed] = SUMMARY.exec(said) ?? [];
  if (!live) print(text);
  return { passed: Number(passed ?? 0), failed: code !== 0 ? Math.max(1, Number(failed ?? 0)) : 0, code, said };
}

/** Runs all groups of files, as many at a time as there are processes. */
async function runGroups(groups: readonly string[][]): Promise<Ended[]> {
  const waiting = [...groups], ended: Ended[] = [];
  const work = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) ended.push(await run(group, { live: false }));
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
  return ended;
}

/** The names of failed tests, which are far up when other processes ended later. */
function failures(ended: readonly Ended[]): string {
  const names = ended.filter(({ code }) => code !== 0).map(({ said }) => said.split(" FAILURES ").at(-1)?.trim());
  return names.length > 0 ? `\nFailures of all processes:\n\n${names.join("\n")}\n` : "";
}

async function runAll(): Promise<Ended[]> {
  const files = testFiles("tests/"), count = Math.ceil(files.length / FILES);
  // Files that are neighbours are often alike: a group takes every count-th one.
  const groups = Array.from({ length: count }, (_, i) => files.filter((_, place) => place % count === i));
  const ended = await runGroups(groups);
  print(failures(ended));
  return ended;
}

const QUICK = "The quick tests: about six minutes on two idle cores. deno task test:all runs all of them.\n";
if (words.length === 0) print(quick ? QUICK : "All tests: about twenty minutes on two idle cores.\n");
const ended = words.length > 0 ? [await run(words, { live: true })] : await runAll();
const sum = (of: (one: Ended) => number) => ended.reduce((total, one) => total + of(one), 0);
console.log(`${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`);
Deno.exit(Math.max(...ended.map(({ code }) => code)));
