import assert from "node:assert/strict";
import { canvasOf, write } from "../../core/report/chart/canvas.ts";
import { drawable } from "../../core/report/chart/drawable.ts";

Deno.test("pictures: letters of the bundled font stay, others become code points", () => {
  for (const text of ["hymba, β = 0.1 ± 2 × 3 – 5 − 1 · x…", "Größe, čas, Москва, Ωmega"]) {
    assert.equal(drawable(text), text);
  }
  assert.equal(drawable("中文 book"), "U+4E2D U+6587 book");
  assert.equal(drawable("ก"), "U+0E01");
  assert.equal(drawable("a😀b"), "aU+1F600b");
  assert.equal(drawable("العربية").split(" ").length, 7);
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
