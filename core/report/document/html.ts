/** Templates for HTML and SVG. A value in a template is escaped unless it is markup already. */
import { createHash } from "node:crypto";
import { printable } from "../../errors.ts";

/** A piece of finished HTML or SVG. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A value in a template. Lists are joined; false and undefined give nothing. */
export type Insert = Markup | string | number | false | undefined | readonly Insert[];

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** The text with HTML escaped. Control and direction characters, which can disguise text, become codes. */
export function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}

function textOf(insert: Insert): string {
  if (insert instanceof Markup) return insert.text;
  if (Array.isArray(insert)) return insert.map(textOf).join("");
  return insert === undefined || insert === false ? "" : escaped(String(insert));
}

/** HTML or SVG from a template. */
export function markup(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return new Markup(parts.map((part, index) => part + textOf(inserts[index])).join(""));
}

/**
 * A table with a heading row. Columns are aligned to the right unless they say otherwise. A table that is too wide scrolls, also by
 * keyboard; `label` is what a screen reader calls it.
 */
export function htmlTable(
  columns: readonly { name: string; unit?: string; align?: "left" | "right" }[],
  rows: readonly (readonly Insert[])[],
  label = "Table",
): Markup {
  const side = (index: number) => columns[index]?.align === "left" ? "left" : "right";
  return markup`
    <div class="wide" tabindex="0" role="region" aria-label="${label}">
      <table>
        <thead>
          <tr>${
    columns.map(({ name, unit }, index) =>
      markup`<th class="${side(index)}">${name}${unit !== undefined && markup`<br><small>${unit}</small>`}</th>`
    )
  }</tr>
        </thead>
        <tbody>${
    rows.map((row) =>
      markup`<tr>${columns.map((_, index) => markup`<td class="${side(index)}">${row[index]}</td>`)}</tr>`
    )
  }</tbody>
      </table>
    </div>
  `;
}

const STYLE = new Markup(`
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--faint:#5b6470;--rule:#d9dde3;--tint:#f5f6f8;--accent:#b34a00;--warm:#fff6ee;--link:#0a58a6}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e4e7eb;--faint:#a0a8b3;--rule:#363c45;--tint:#1e232a;--accent:#f0955c;--warm:#2b2018;--link:#7ab8f5}
figure>svg,figure>img{background:#fff;border-radius:8px}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem clamp(.8rem,4vw,1.5rem) 5rem;max-width:76rem;overflow-wrap:anywhere;color:var(--ink);background:var(--paper);
font:16px/1.6 Inter,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:2rem;line-height:1.2;margin:0 0 .4rem}h2{font-size:1.4rem;margin:3rem 0 .6rem;padding-top:1rem;border-top:1px solid var(--rule)}
h3{font-size:1.08rem;margin:1.8rem 0 .4rem}p,li{max-width:46rem}.lead,figcaption,small{color:var(--faint)}
a{color:var(--link)}code,pre{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--tint);border-radius:4px}
code{padding:.1em .3em}pre{padding:.8rem 1rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.wide{overflow-x:auto;overflow-wrap:normal;margin:1rem 0}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .8rem;border-bottom:1px solid var(--rule);vertical-align:top}th{border-bottom:2px solid var(--ink);white-space:nowrap}
.left{text-align:left}.right{text-align:right;white-space:nowrap}figure{margin:1.2rem 0}img,svg{max-width:100%;height:auto}
.warning{border-left:4px solid var(--accent);background:var(--warm);padding:.7rem 1rem;max-width:46rem}
.verdict{background:var(--tint);border-radius:8px;padding:1rem 1.4rem}
.where{font-size:.88rem;color:var(--faint)}.katex{font-size:1.12em}.katex-display{margin:.9rem 0;padding:.2rem 0;overflow-x:auto;overflow-y:hidden;text-align:left}.katex-display>.katex{text-align:left}
details{margin:.6rem 0}summary{cursor:pointer}nav ul{columns:2;padding-left:1.2rem}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.5rem}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}figure,table{break-inside:avoid}}
`);

/** The parts of a page besides its title. */
export interface PageParts {
  readonly lead: Insert;
  readonly body: Insert;
  /** Additional CSS. */
  readonly style?: Markup;
  /** The page's only script. The policy of the page allows no other. */
  readonly script?: string;
}

/** Data for the page's script, as JSON. Characters that could end the element are escaped. */
export function dataBlock(id: string, data: unknown): Markup {
  const json = JSON.stringify(data).replaceAll(/[<\u2028\u2029]/g, (letter) => `\\u${hexOf(letter)}`);
  return new Markup(`<script type="application/json" id="${escaped(id)}">${json}</script>`);
}

const hexOf = (letter: string) => letter.charCodeAt(0).toString(16).padStart(4, "0");

/** The Content-Security-Policy of a page: no network, and no script except this one. */
export function policyOf(script: string | undefined): string {
  const hash = script === undefined ? "" : createHash("sha256").update(script).digest("base64");
  const scripts = script === undefined ? "" : `; script-src 'sha256-${hash}'`;
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:${scripts}`;
}

/** A self-contained HTML page. It uses no network and runs no script but its own. */
export function page(title: string, { lead, body, style, script: given }: PageParts): string {
  // A browser reads \r\n as \n before it compares the script with its hash.
  const script = given?.replaceAll("\r\n", "\n");
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policyOf(script))}">
<title>${title}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="lead">${lead}</p>
${body}
</main>
${script !== undefined && new Markup(`<script>${script}</script>`)}
</body>
</html>
`.text;
}
