/** Characters that the bundled font lacks. */
import ranges from "@fontsource/inter/unicode.json" with { type: "json" };

/** The parts of Inter that pictures are drawn with, as its package names them. */
const SUBSETS = ["latin", "greek", "latin-ext", "cyrillic"] as const;

/** First and last code point of each range, from `U+0100-02BA,U+2113`. */
const COVERED: readonly (readonly [first: number, last: number])[] = SUBSETS.flatMap((subset) =>
  ranges[subset].split(",").map((range): [number, number] => {
    const [first = "", last = first] = range.slice("U+".length).split("-");
    return [parseInt(first, 16), parseInt(last, 16)];
  })
);

const isCovered = (code: number) => COVERED.some(([first, last]) => code >= first && code <= last);

/**
 * A text for a picture. A character that the bundled font lacks becomes its code point, `U+4E2D`. Otherwise it would be an
 * empty box, or it would come from a font of the machine, and pictures would differ between machines.
 */
export function drawable(text: string): string {
  let shown = "", inCodes = false;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0, covered = isCovered(code);
    if (covered) shown += letter;
    else shown += `${inCodes ? " " : ""}U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    inCodes = !covered;
  }
  return shown;
}
