/**
 * Runs tests and ends with one line, `N passed, N failed`. `--quick` leaves out the thorough ones (tests/thorough.ts), and runs the
 * files in two processes beside each other, unless a path or a filter is given.
 * Other arguments are passed on to `deno test` (a path, `--filter NAME`).
 */
import { fileURLToPath } from "node:url";

const ROOT = new URL("..", import.meta.url);
const words = Deno.args.filter((word) => word !== "--quick");
const quick = words.length < Deno.args.length && words.length === 0;

/** Processes of the quick tests. Most files compute on one core, some on two. */
const PROCESSES = 2;

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
}

const SUMMARY = /(\d+) passed(?: \([^)]*\))? \| (\d+) failed/;
// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[0-9;]*m/g;

function print(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

/** Runs `deno test` with these words, prints its lines, and counts. `whole`: lines are printed when they are complete. */
async function run(given: readonly string[], { whole }: { whole: boolean }): Promise<Ended> {
  const flags = ["-A", "--no-check", "--lock=tests/deno.lock", "--frozen", "--v8-flags=--expose-gc"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...flags, ...given],
    cwd: fileURLToPath(ROOT),
    env: quick ? { HYMBA_TESTS: "quick" } : {},
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let passed = 0, failed = 0, rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const found = SUMMARY.exec(line.replace(COLOUR, ""));
      if (found) [passed, failed] = [passed + Number(found[1]), failed + Number(found[2])];
      if (whole) print(`${line}\n`);
    }
    if (!whole) print(chunk);
  }
  print(whole ? rest : "");
  const { code } = await child.status;
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, code };
}

/** The arguments of each process. Neighbours, which are often alike, go to different ones. */
function shares(): string[][] {
  if (!quick) return [words.length > 0 ? words : ["tests/"]];
  const files = testFiles("tests/");
  return Array.from({ length: PROCESSES }, (_, i) => files.filter((_, place) => place % PROCESSES === i));
}

if (quick) console.log("The quick tests: about eight minutes on two idle cores. deno task test:all runs all of them.");
else if (words.length === 0) console.log("All tests: about half an hour on two cores.");
const all = shares(), ended = await Promise.all(all.map((share) => run(share, { whole: all.length > 1 })));
const sum = (of: (one: Ended) => number) => ended.reduce((total, one) => total + of(one), 0);
console.log(`${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`);
Deno.exit(Math.max(...ended.map(({ code }) => code)));
