/** Characters that the bundled font lacks. */
import ranges from "@fontsource/inter/unicode.json" with { type: "json" };
import missing from "./missing_glyphs.json" with { type: "json" };

/** The parts of Inter that pictures are drawn with, as its package names them. */
const SUBSETS = ["latin", "greek", "latin-ext", "cyrillic"] as const;

/** First and last code point of each range that the package claims, from `U+0100-02BA,U+2113`. */
const CLAIMED: readonly (readonly [first: number, last: number])[] = SUBSETS.flatMap((subset) =>
  ranges[subset].split(",").map((range): [number, number] => {
    const [first = "", last = first] = range.slice("U+".length).split("-");
    return [parseInt(first, 16), parseInt(last, 16)];
  })
);

type Range = readonly number[];
const isIn = (ranges: readonly Range[], code: number) =>
  ranges.some(([first = 0, last = 0]) => code >= first && code <= last);

/** Whether the package claims that its font has the character. For some hundred it is wrong (`missing_glyphs.json`). */
export const isClaimed = (code: number): boolean => isIn(CLAIMED, code);

/** Control and format characters, but for tabs and line breaks: nothing would be seen, and the rasteriser refuses U+0000. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}]/u;

const isCovered = (letter: string, code: number) => isClaimed(code) && !isIn(missing, code) && !INVISIBLE.test(letter);

/**
 * A text for a picture. A character that the bundled font lacks, or that cannot be seen, becomes its code point, `U+4E2D`. Otherwise it would be an
 * empty box, or it would come from a font of the machine, and pictures would differ between machines.
 */
export function drawable(text: string): string {
  let shown = "", inCodes = false;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0, covered = isCovered(letter, code);
    if (covered) shown += letter;
    else shown += `${inCodes ? " " : ""}U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    inCodes = !covered;
  }
  return shown;
}
