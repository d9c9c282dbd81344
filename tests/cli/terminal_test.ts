/** Untrusted text on the terminal: through `console`, as JSON, in a progress bar, in errors of the parser. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Progress } from "../../cli/ui/progress.ts";
import { escaped } from "../../cli/ui/terminal.ts";
import { at } from "../../core/lists.ts";
import { hymba, makePlace } from "./command_line.ts";

const HOSTILE = [
  "\u001b[2J\u001b]0;title\u0007",
  "\u009b31m",
  "\u202egnp.exe\u2066",
  "a\rb",
  "nul\u0000",
  "\u{e0041}",
  "\ud800",
];
/** Characters that control a terminal or disguise text. */
const ACTS = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

Deno.test("terminal: no control character is left, and JSON keeps its meaning", () => {
  for (const text of HOSTILE) {
    assert.match(text, ACTS);
    assert.doesNotMatch(escaped(text), ACTS);
    assert.deepEqual(JSON.parse(escaped(JSON.stringify({ [text]: text }))), { [text]: text });
  }
  assert.equal(escaped("words\tand\nlines, é 語 😀"), "words\tand\nlines, é 語 😀");
});

Deno.test("terminal: a progress bar shows labels, details and lines without control characters", () => {
  const shown: string[] = [], write = Deno.stderr.writeSync;
  Deno.stderr.writeSync = (bytes) => shown.push(new TextDecoder().decode(bytes)) && bytes.length;
  try {
    for (const text of HOSTILE) {
      const progress = new Progress();
      progress.begin(text);
      progress.update(1, 2, { details: { [text]: text } });
      progress.say(text);
    }
  } finally {
    Deno.stderr.writeSync = write;
  }
  assert.ok(shown.length >= 2 * HOSTILE.length);
  // The bar's own carriage return and "erase line" stay on a terminal.
  for (const text of shown) assert.doesNotMatch(text.replaceAll("\r\u001b[2K", ""), ACTS);
});

Deno.test("terminal: hostile file names and words of a command line are escaped in text and in JSON", async () => {
  const place = await makePlace();
  const run = join(place.folder, "run \u001b[2J\u202e");
  await Deno.mkdir(run);
  await Deno.copyFile("results/quick/run.json", join(run, "run.json"));
  const calls = [
    ["verify", run],
    ["verify", run, "--json"],
    ["csv", "\u001b]0;x\u0007"],
    ["ablate", "--\u001b[2J\u202e"],
    ["evaluate", "run", "--text", "\u009b31m"],
    ["\u202e"],
  ];
  const ended = await Promise.all(calls.map((words) => hymba(place, ...words)));
  for (const [i, { code, out, error }] of ended.entries()) {
    assert.notEqual(code, 0);
    assert.ok(out.length + error.length > 20, JSON.stringify(calls[i]));
    for (const text of [out, error]) assert.doesNotMatch(text, ACTS, JSON.stringify(calls[i]));
  }
  assert.equal(JSON.parse(at(ended, 1).out).run, run);
});
