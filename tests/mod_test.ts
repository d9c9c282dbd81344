/** The library as others see it: every export is documented, and every example type-checks and runs. */
import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { inFolder } from "./library/small.ts";
import { thorough } from "./thorough.ts";

const ROOT = new URL("..", import.meta.url), path = (name: string) => fileURLToPath(new URL(name, ROOT));
const decoder = new TextDecoder();

async function deno(args: string[], options: Deno.CommandOptions = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { ...options, args, env: { NO_COLOR: "1" } })
    .output();
  return { code, out: decoder.decode(stdout), problem: decoder.decode(stderr) };
}

Deno.test("deno doc --lint finds nothing: all that mod.ts and notebook.ts export is documented and says its types", async () => {
  const { code, problem } = await deno(["doc", "--lint", path("mod.ts"), path("notebook.ts")]);
  assert.equal(code, 0, problem);
});

/** The first TypeScript block of a text. */
function firstExample(text: string): string {
  const block = /```ts\n([^]*?)```/.exec(text);
  assert.ok(block?.[1], "there is no example");
  return block[1];
}

/** Files with examples in their comments or in blocks of TypeScript. */
const EXAMPLES = [
  ...["mod.ts", "notebook.ts", "docs/api.md", "docs/notebooks.md"],
  ...["causality", "checkpoint", "hymba", "pictures", "shown", "trainer"].map((name) => `core/library/${name}.ts`),
];

thorough("every example of the library and of its guides type-checks and runs", () =>
  inFolder(async (folder) => {
    // In a folder of its own, because examples write files.
    const args = ["test", "-A", "--doc", "--no-lock", "--config", path("deno.json"), ...EXAMPLES.map(path)];
    const { code, out, problem } = await deno(args, { cwd: folder });
    assert.equal(code, 0, out + problem);
    const [, passed] = /(\d+) passed/.exec(out) ?? [];
    assert.ok(Number(passed) >= 12, out);
  }));

Deno.test("the example in README type-checks and runs as it stands", async () => {
  const file = path(`example_${crypto.randomUUID()}.ts`);
  await Deno.writeTextFile(file, firstExample(await Deno.readTextFile(path("README.md"))));
  try {
    const { code, out, problem } = await deno(["run", "-A", file], { cwd: path(".") });
    assert.equal(code, 0, problem);
    // Logits N(0, 1) at the start: ln V + ½, and the mean of four targets scatters by ½.
    const loss = Number(/^\d+\.\d+/.exec(out)?.[0]), expected = Math.log(4000) + 0.5;
    assert.ok(Math.abs(loss - expected) < 2, `the loss of untrained weights is about ${expected}, printed: ${out}`);
  } finally {
    await Deno.remove(file);
  }
});
