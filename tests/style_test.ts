/** What CONTRIBUTING.md asks of every function: fewer than 40 lines, no non-null assertions outside of hot loops, and plain statements. */
import { strict as assert } from "node:assert";

/** Files whose inner loops read typed arrays with `!`: they are called for every byte or token. */
const HOT_LOOPS = [
  "core/eval/",
  "core/infer/generate.ts",
  "core/reference/typed_array.ts",
  "core/tokenizer/",
];
/** Here a line is a row of registers: lanes side by side, with commas. */
const KERNELS = "core/cpu/kernels/";
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
  /** The first line of each statement that has a plainer form: see {@link inspect}. */
  readonly tricks: string[];
}

/**
 * Parses a file. Tricks are commas between statements, destructuring that assigns, the spread of an object literal into another
 * one, and a function whose value is an assignment. AssemblyScript's decorators of functions are no TypeScript, so they are taken
 * out first.
 */
function inspect(name: string, source: string): Found {
  const text = source.replace(/^(\s*)@\w+(?=\s|$)/gm, "$1"), long: string[] = [];
  const tricks: string[] = [];
  let assertions = 0;
  const trick = ({ range: [start, end] }: Deno.lint.Node) => {
    tricks.push(`${name}: ${text.slice(start, end).split("\n")[0]}`);
  };
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
      "ExpressionStatement > SequenceExpression": trick,
      "ReturnStatement > SequenceExpression": trick,
      "AssignmentExpression > ArrayPattern": trick,
      "AssignmentExpression > ObjectPattern": trick,
      "SpreadElement > ObjectExpression": trick,
      "ArrowFunctionExpression > AssignmentExpression[operator='=']": trick,
    }),
  };
  Deno.lint.runPlugin({ name: "style", rules: { style: rule } }, name, text);
  return { long, assertions, tricks };
}

Deno.test("style: long functions and non-null assertions are found", () => {
  const body = (lines: number) => "\n".repeat(lines - 1);
  assert.deepEqual(inspect("a.ts", `@inline\nfunction f() {${body(39)}}`), { long: [], assertions: 0, tricks: [] });
  assert.deepEqual(inspect("a.ts", `const x = { f() {${body(40)}} }; x!.f();`), {
    long: ["a.ts: 40 lines: f() {"],
    assertions: 1,
    tricks: [],
  });
});

Deno.test("style: commas between statements, assigning destructuring and spread literals are found", () => {
  const tricksIn = (source: string) => inspect("a.ts", source).tricks.length;
  assert.equal(tricksIn("f(), g(); function h() { return f(), g(); }"), 2);
  assert.equal(tricksIn("[a, b] = [b, a];"), 1);
  assert.equal(tricksIn("({ a } = b);"), 1);
  assert.equal(tricksIn("const x = { ...{ a, b }, c };"), 1);
  assert.equal(tricksIn("const f = () => a = 1;"), 1);
  assert.equal(tricksIn("for (; ; i++, j++) { const [a] = b, { c } = d; f({ ...a, ...(c && { c }) }); }"), 0);
});

Deno.test("style: every function has fewer than 40 lines, and only hot loops have non-null assertions, and statements are plain", async () => {
  const long: string[] = [], asserting: string[] = [], tricks: string[] = [];
  for (const folder of ["core/", "cli/", "datasets/", "mod.ts"]) {
    for await (const path of sources(folder)) {
      const found = inspect(path, await Deno.readTextFile(new URL(path, ROOT)));
      long.push(...found.long);
      if (!path.startsWith(KERNELS)) tricks.push(...found.tricks);
      const hot = HOT_LOOPS.some((prefix) => path.startsWith(prefix));
      if (found.assertions > 0 && !hot) asserting.push(`${path}: ${found.assertions} non-null assertions`);
    }
  }
  assert.deepEqual([...long, ...asserting, ...tricks], []);
});
