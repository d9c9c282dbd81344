/** Every command and every file of docs/tour.md, in order, in one folder. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hymba, makePlace } from "./cli/command_line.ts";
import { thorough } from "./thorough.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TEXT = await Deno.readTextFile(join(ROOT, "docs", "tour.md"));

/** What a reader does: the files that she writes and the commands that she runs, in the order of the page. */
const STEPS = [...TEXT.matchAll(/^```toml\n# (\S+)\n([^]*?)^```|^ {4}(hymba|deno) (.*)$/gm)]
  .map(([, file, content = "", program, words = ""]) => ({ file, content, program, words }));

/** Words of a shell command without quotes inside quotes. */
const split = (words: string): string[] =>
  [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);

async function command(place: Awaited<ReturnType<typeof makePlace>>, words: string): Promise<string> {
  const [call = "", comment] = words.split(" # "), code = Number(/exit code (\d)/.exec(comment ?? "")?.[1] ?? 0);
  // A text of the test's own, so that nothing is downloaded.
  const text = call.startsWith("ablate ") ? ["--data", place.text] : [];
  const found = await hymba(place, ...split(call), ...text);
  assert.equal(found.code, code, `hymba ${call}\n${found.out}\n${found.error}`);
  return found.out;
}

thorough("docs/tour.md: every command does what the page says, with the files of the page", async () => {
  const place = await makePlace(), outputs: string[] = [];
  for (const { file, content, program, words } of STEPS) {
    if (file) await Deno.writeTextFile(join(place.folder, file), content);
    else if (program === "hymba") outputs.push(await command(place, words));
    else assert.ok(Deno.statSync(join(ROOT, words.replace(/^task test /, ""))).isFile, words);
  }
  const table = outputs.at(-1) ?? "";
  for (const model of ["mamba", "hymba", "sandwich", "jamba"]) assert.match(table, new RegExp(`^${model} `, "m"));
  for (const name of ["tour/report.html", "tour/hymba_attention_pretraining.png", "sandwich.html"]) {
    assert.ok((await Deno.stat(join(place.folder, name))).isFile, name);
  }
  await Deno.remove(place.folder, { recursive: true });
});

Deno.test("docs/tour.md: it has the steps of every section", () => {
  assert.ok(STEPS.filter(({ program }) => program === "hymba").length >= 9);
  assert.deepEqual(STEPS.flatMap(({ file }) => file ?? []), ["sandwich.toml"]);
});
