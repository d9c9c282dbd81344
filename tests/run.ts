/**
 * Runs tests and ends with one line, `N passed, N failed`. `--quick` leaves out the thorough ones (tests/thorough.ts),
 * unless a path or a filter is given.
 * Other arguments are passed on to `deno test` (a path, `--filter NAME`).
 */
const root = new URL("..", import.meta.url);
const words = Deno.args.filter((word) => word !== "--quick");
const quick = words.length < Deno.args.length && words.length === 0;
if (words.length === 0) {
  console.log(
    quick
      ? "The quick tests: five to ten minutes on two cores. deno task test:all runs all of them."
      : "All tests: about half an hour on two cores.",
  );
}
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "test",
    "-A",
    "--no-check",
    "--lock=tests/deno.lock",
    "--frozen",
    "--v8-flags=--expose-gc",
    ...(words.length > 0 ? words : ["tests/"]),
  ],
  cwd: root,
  env: quick ? { HYMBA_TESTS: "quick" } : {},
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let passed = 0, failed = 0;
const summary = /(\d+) passed(?: \([^)]*\))? \| (\d+) failed/;
// deno-lint-ignore no-control-regex
const colour = /\x1b\[[0-9;]*m/g;
const lines = child.stdout.pipeThrough(new TextDecoderStream());
let rest = "";
for await (const chunk of lines) {
  await Deno.stdout.write(new TextEncoder().encode(chunk));
  const parts = (rest + chunk).split("\n");
  rest = parts.pop()!;
  for (const line of parts) {
    const found = summary.exec(line.replace(colour, ""));
    if (found) [passed, failed] = [passed + Number(found[1]), failed + Number(found[2])];
  }
}
const { code } = await child.status;
if (code !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(code);
