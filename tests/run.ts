/**
 * The README's test command. Runs every test file and ends with one line, `N passed, N failed`.
 * Arguments are passed on to `deno test` (a path, `--filter NAME`).
 */
const root = new URL("..", import.meta.url);
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "test",
    "-A",
    "--no-check",
    "--lock=tests/deno.lock",
    "--frozen",
    "--v8-flags=--expose-gc",
    ...(Deno.args.length > 0 ? Deno.args : ["tests/"]),
  ],
  cwd: root,
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
