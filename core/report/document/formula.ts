/** Formulas as HTML with their fonts inside the page. The renderer is large, so it is loaded when the first formula is set. */
import { readFile } from "node:fs/promises";
import { Markup } from "./html.ts";

/** Renders one formula in TeX. Throws on a formula that it cannot parse. */
export type SetFormula = (tex: string, options: { display: boolean }) => Markup;

/** The typefaces of KaTeX that the formulas here use. The others would make the page larger. */
const KEPT = [
  "Main-Regular",
  "Main-Bold",
  "Math-Italic",
  "AMS-Regular",
  "Caligraphic-Regular",
  "Size1-Regular",
  "Size2-Regular",
  "Size3-Regular",
  "Size4-Regular",
];
/** Characters of TeX from which a formula may be wider than a narrow window. */
const LONG = 24;

/** Classes of letters whose typeface is not in the page. */
const OTHERS = /class="[^"]*\b(mathfrak|mathscr|mathtt|mathsf|texttt|textsf|mathboldfrak|boldsymbol|mathit|textit)\b/;

/** A font rule of KaTeX's style sheet with the font as a data URL; empty for a typeface that is not in the page. */
async function inlined(rule: string): Promise<string> {
  const name = KEPT.find((name) => rule.includes(`KaTeX_${name}.woff2`));
  if (name === undefined) return "";
  const bytes = await readFile(new URL(import.meta.resolve(`katex/dist/fonts/KaTeX_${name}.woff2`)));
  const source = `src:url(data:font/woff2;base64,${bytes.toString("base64")}) format("woff2")`;
  return rule.replace(/src:[^}]*/, source);
}

/** KaTeX and the style sheet for its output. The output is HTML for display and MathML for screen readers. */
export async function formulaSetter(): Promise<{ style: Markup; set: SetFormula }> {
  const { default: katex } = await import("katex");
  const sheet = await readFile(new URL(import.meta.resolve("katex/dist/katex.min.css")), "utf8");
  const fonts = await Promise.all((sheet.match(/@font-face\{[^}]*\}/g) ?? []).map(inlined));
  const style = new Markup(fonts.join("") + sheet.replaceAll(/@font-face\{[^}]*\}/g, ""));
  const set: SetFormula = (tex, { display }) => {
    const html = katex.renderToString(tex, { displayMode: display, throwOnError: true, strict: "error" });
    if (OTHERS.test(html)) throw new Error(`the formula ${tex} needs a typeface that the page does not have`);
    // A narrow window scrolls a long formula, also by keyboard.
    const focus = 'tabindex="0" role="group" aria-label="formula"';
    const scrolls = display && tex.length > LONG;
    return new Markup(
      scrolls ? html.replace('<span class="katex-display"', `<span ${focus} class="katex-display"`) : html,
    );
  };
  return { style, set };
}
