/** A kernel's `main` reads in one screen, and so do the functions that it calls. */
import { strict as assert } from "node:assert";

const WGSL = new URL("../../wgsl/", import.meta.url);
/** Lines that `main` and other functions may have, the first and the last included. */
const MOST = { main: 79, other: 50 };

interface Length {
  readonly name: string;
  readonly lines: number;
}

/** The functions of a WGSL text. Each begins at the start of a line with `fn` and ends with `}` at the start of a line. */
function functionsOf(text: string): Length[] {
  const lines = text.split("\n");
  return lines.flatMap((line, first) => {
    const name = /^fn (\w+)\(/.exec(line)?.[1];
    return name === undefined ? [] : [{ name, lines: lines.indexOf("}", first) - first + 1 }];
  });
}

async function textsOf(folder: URL): Promise<(readonly [string, string])[]> {
  const texts: (readonly [string, string])[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) texts.push(...await textsOf(new URL(`${name}/`, folder)));
    else if (name.endsWith(".wgsl")) texts.push([name, await Deno.readTextFile(new URL(name, folder))]);
  }
  return texts;
}

const isLong = ({ name, lines }: Length): boolean => lines < 1 || lines > (name === "main" ? MOST.main : MOST.other);

Deno.test("WGSL: no main has 80 lines or more, and no other function more than 50", async () => {
  const body = (lines: number) => Array.from({ length: lines - 2 }, () => "  x++;").join("\n");
  const texts = [`fn main(\n${body(79)}\n}\n`, `fn main() {\n${body(80)}\n}\nfn f() {\n${body(51)}\n}\nfn g() {\n}\n`];
  assert.deepEqual(texts.map((text) => functionsOf(text).filter(isLong).map(({ name }) => name)), [[], ["main", "f"]]);
  const all = await textsOf(WGSL),
    found = all.flatMap(([file, text]) => functionsOf(text).map((one) => ({ file, ...one })));
  assert.ok(found.filter(({ name }) => name === "main").length > 40 && found.length > 100, `${found.length} functions`);
  assert.deepEqual(found.filter(isLong), []);
});
