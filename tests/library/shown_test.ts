/** Tables and pictures for notebooks. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Hymba, hymba, showAttention, showLayers, showLines, showRun, showTable, UsageError } from "../../notebook.ts";
import { inFolder, SIZES, small } from "./small.ts";

/** How a kernel asks a value for its look. */
const lookOf = (shown: object): Record<string, string> => Reflect.get(shown, Symbol.for("Jupyter.display")).call(shown);
const refused = (words: RegExp) => (error: unknown) => error instanceof UsageError && words.test(error.message);

Deno.test("shown: a table is text and HTML, with its title, and escapes what is in it", async () => {
  const table = showTable([{ model: "<b>", loss: 1.23456, n: 1234 }, { model: "b", loss: null, extra: true }], {
    title: "Two",
  });
  const look = lookOf(table);
  assert.deepEqual(Object.keys(look).sort(), ["text/html", "text/plain"]);
  assert.match(String(table), /^Two\nmodel +loss +n +extra\n─+\n<b> +1\.2346 +1,234\nb +true$/);
  assert.match(look["text/html"] ?? "", /&lt;b&gt;/);
  assert.doesNotMatch(look["text/html"] ?? "", /<b>/);
  await assert.rejects(table.save("x.png"), refused(/no picture/));
  assert.equal(String(showTable([], { title: "None" })), "None\n(no rows)");
});

Deno.test("shown: lines become a PNG that can be saved", () =>
  inFolder(async (folder) => {
    const chart = await showLines({ a: [3, NaN, 1], b: [[1, 2], [2, 5]] }, { title: "Lines", log: true }),
      path = join(folder, "a.png");
    assert.equal(lookOf(chart)["text/plain"], "Lines: a, b");
    await chart.save(path);
    const bytes = await Deno.readFile(path);
    assert.deepEqual([...bytes.subarray(1, 4)], [..."PNG"].map((letter) => letter.charCodeAt(0)));
    assert.deepEqual(Uint8Array.fromBase64(lookOf(chart)["image/png"] ?? ""), bytes);
    await assert.rejects(showLines({ a: [NaN], b: [] }), refused(/nothing to draw/));
  }));

Deno.test("shown: layers say what each sees and whose keys it uses", () => {
  const layers = showLayers({ ...SIZES, nLayers: 5, globalAttnIndices: [0] });
  assert.match(
    String(layers),
    /0 +all tokens +yes +layer 0\n +1 +last 6 tokens +yes +layer 1\n +2 +last 6 tokens +yes +layer 1/,
  );
});

Deno.test("shown: attention of ids, and what has none is refused", async () => {
  const model = await small();
  assert.ok((await showAttention(model, [1, 2, 3])).png);
  await assert.rejects(showAttention(model, "text"), refused(/no tokenizer/));
  await assert.rejects(showAttention(model, []), refused(/empty/));
  await model.close();
  const mamba = await Hymba.create({ ...SIZES, archType: "mamba" }, { backend: "cpu" });
  await assert.rejects(showAttention(mamba, [1]), refused(/no attention/));
  await mamba.close();
});

Deno.test("shown: a command's words come back, also those of its failure", async () => {
  assert.match(await hymba("--version"), /^\d+\.\d+\.\d+\n$/);
  await assert.rejects(hymba("csv", "no-such-run"), /hymba csv no-such-run failed/);
  await assert.rejects(showRun("no-such-run"), refused(/not a run/));
});
