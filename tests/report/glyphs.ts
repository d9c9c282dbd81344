/**
 * Finds the characters that the bundled font's package claims and its files lack: `deno run -A tests/report/glyphs.ts` writes
 * `core/report/chart/missing_glyphs.json`, and a test compares it.
 */
import { canvasOf, FONT } from "../../core/report/chart/canvas.ts";
import { isClaimed } from "../../core/report/chart/drawable.ts";

export const FILE = new URL("../../core/report/chart/missing_glyphs.json", import.meta.url);
/** A private code point that no font has. */
const IN_NO_FONT = "\u{10fffd}";

/** First and last code point of each range. */
export async function missingGlyphs(): Promise<[first: number, last: number][]> {
  const canvas = await canvasOf(40, 40), brush = canvas.getContext("2d");
  // Without the replacement by code points.
  const fillText: typeof brush.fillText = Object.getPrototypeOf(brush).fillText;
  brush.font = `20px ${FONT}`;
  const pixelsOf = (letter: string) => {
    brush.clearRect(0, 0, 40, 40);
    fillText.call(brush, letter, 6, 26);
    return new Uint32Array(brush.getImageData(0, 0, 40, 40).data.buffer.slice(0)).join();
  };
  const box = pixelsOf(IN_NO_FONT), found: [number, number][] = [];
  for (let code = 0x20; code < 0x30000; code++) {
    const letter = String.fromCodePoint(code), last = found.at(-1);
    if (!isClaimed(code) || pixelsOf(letter) !== box) continue;
    if (last?.[1] === code - 1) last[1] = code;
    else found.push([code, code]);
  }
  return found;
}

if (import.meta.main) {
  const ranges = await missingGlyphs();
  await Deno.writeTextFile(
    FILE,
    `[\n${ranges.map((range) => `  ${JSON.stringify(range).replace(",", ", ")}`).join(",\n")}\n]\n`,
  );
}
