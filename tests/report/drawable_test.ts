import assert from "node:assert/strict";
import { canvasOf, write } from "../../core/report/chart/canvas.ts";
import { drawable } from "../../core/report/chart/drawable.ts";
import { FILE, missingGlyphs } from "./glyphs.ts";

Deno.test("pictures: letters of the bundled font stay, others become code points", () => {
  for (const text of ["hymba, β = 0.1 ± 2 × 3 – 5 − 1 · x…", "Größe, čas, Москва, Ωmega"]) {
    assert.equal(drawable(text), text);
  }
  assert.equal(drawable("中文 book"), "U+4E2D U+6587 book");
  assert.equal(drawable("ก"), "U+0E01");
  assert.equal(drawable("a😀b"), "aU+1F600b");
  assert.equal(drawable("العربية").split(" ").length, 7);
});

Deno.test("pictures: what cannot be seen, and what the font lacks against its package's words, are code points", () => {
  assert.equal(drawable("a\0b\u200bc"), "aU+0000bU+200Bc");
  assert.equal(drawable("\ufffd \u2030 \u2010"), "U+FFFD U+2030 U+2010");
  assert.equal(drawable("a\tb\nc"), "a\tb\nc");
});

Deno.test("pictures: the list of missing characters is that of the font's files", async () => {
  const listed = JSON.parse(await Deno.readTextFile(FILE));
  assert.deepEqual(await missingGlyphs(), listed, "run: deno run -A tests/report/glyphs.ts");
});

/** The pixels of a text. */
async function pixelsOf(text: string) {
  const canvas = await canvasOf(400, 40), brush = canvas.getContext("2d");
  write(brush, text, { x: 5, y: 20, size: 16, colour: "#000" });
  return { pixels: [...brush.getImageData(0, 0, 400, 40).data], width: brush.measureText(text).width };
}

Deno.test("pictures: a character that the font lacks is drawn as its code point, whatever fonts the machine has", async () => {
  assert.deepEqual(await pixelsOf("中"), await pixelsOf("U+4E2D"));
  assert.notDeepEqual((await pixelsOf("中")).pixels, (await pixelsOf("国")).pixels);
});
