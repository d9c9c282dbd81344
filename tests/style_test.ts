/** What CONTRIBUTING.md asks of every function: fewer than 40 lines, and no non-null assertions outside of hot loops. */
import { strict as assert } from "node:assert";

/** Files whose inner loops read typed arrays with `!`: they are called for every byte or token. */
const HOT_LOOPS = [
  "core/eval/",
  "core/infer/generate.ts",
  "core/reference/typed_array.ts",
  "core/tokenizer/",
];
const MOST_LINES = 39;
const ROOT = new URL("../", import.meta.url);

async function* sources(path: string): AsyncGenerator<string> {
  if (/\.tsx?$/.test(path)) return yield path;
  for await (const { name, isDirectory } of Deno.readDir(new URL(path, ROOT))) {
    if (isDirectory || /\.tsx?$/.test(name)) yield* sources(`${path}${name}${isDirectory ? "/" : ""}`);
  }
}

interface Found {
  /** The first line of each function that is too long, with its number of lines. */
  readonly long: string[];
  readonly assertions: number;
}

/** Parses a file. AssemblyScript's decorators of functions are no TypeScript, so they are taken out first. */
function inspect(name: string, source: string): Found {
  const text = source.replace(/^(\s*)@\w+(?=\s|$)/gm, "$1"), long: string[] = [];
  let assertions = 0;
  const measure = ({ range: [start, end] }: Deno.lint.Node) => {
    const lines = text.slice(start, end).split("\n");
    if (lines.length > MOST_LINES) long.push(`${name}: ${lines.length} lines: ${lines[0]}`);
  };
  const rule: Deno.lint.Rule = {
    create: () => ({
      FunctionDeclaration: measure,
      FunctionExpression: measure,
      ArrowFunctionExpression: measure,
      TSNonNullExpression: () => {
        assertions++;
      },
    }),
  };
  Deno.lint.runPlugin({ name: "style", rules: { style: rule } }, name, text);
  return { long, assertions };
}

Deno.test("style: long functions and non-null assertions are found", () => {
  const body = (lines: number) => "\n".repeat(lines - 1);
  assert.deepEqual(inspect("a.ts", `@inline\nfunction f() {${body(39)}}`), { long: [], assertions: 0 });
  assert.deepEqual(inspect("a.ts", `const x = { f() {${body(40)}} }; x!.f();`), {
    long: ["a.ts: 40 lines: f() {"],
    assertions: 1,
  });
});

Deno.test("style: every function has fewer than 40 lines, and only hot loops have non-null assertions", async () => {
  const long: string[] = [], asserting: string[] = [];
  for (const folder of ["core/", "cli/", "datasets/", "mod.ts"]) {
    for await (const path of sources(folder)) {
      const found = inspect(path, await Deno.readTextFile(new URL(path, ROOT)));
      long.push(...found.long);
      const hot = HOT_LOOPS.some((prefix) => path.startsWith(prefix));
      if (found.assertions > 0 && !hot) asserting.push(`${path}: ${found.assertions} non-null assertions`);
    }
  }
  assert.deepEqual([...long, ...asserting], []);
});
