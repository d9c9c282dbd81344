import { strict as assert } from "node:assert";

const root = new URL("..", import.meta.url);

/** The first TypeScript block of a text, without the stars of a JSDoc comment. */
function firstExample(text: string): string {
  const block = /```ts\n([^]*?)```/.exec(text.replaceAll(/^ \* ?/gm, ""));
  assert.ok(block, "there is no example");
  return block[1]!;
}

async function runExample(source: string): Promise<string> {
  const file = new URL(`example_${crypto.randomUUID()}.ts`, root);
  await Deno.writeTextFile(file, source);
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", file.pathname],
      cwd: root,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("everything that mod.ts exports is documented", async () => {
  const args = ["doc", "--lint", new URL("mod.ts", root).pathname];
  const { stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
  const text = new TextDecoder().decode(stderr);
  assert.match(text, /private-type-ref/, `the linter did not run as it did: ${text}`);
  const undocumented = text.split(/^error/m).filter((fault) => fault.startsWith("[missing-jsdoc]"));
  assert.deepEqual(undocumented, []);
});

for (const [name, path, V] of [["README", "README.md", 4000], ["mod.ts", "mod.ts", 400]] as const) {
  Deno.test(`the example in ${name} type-checks and runs as it stands`, async () => {
    const printed = await runExample(`${firstExample(await Deno.readTextFile(new URL(path, root)))}`);
    const loss = Number(/^\d+\.\d+/.exec(printed)?.[0]);
    // Logits N(0, 1) at the start: ln V + ½, and the mean of four targets scatters by ½.
    const expected = Math.log(V) + 0.5;
    assert.ok(Math.abs(loss - expected) < 2, `the loss of untrained weights is about ${expected}, printed: ${printed}`);
  });
}
