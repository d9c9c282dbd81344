/** The review of the paper and the derivations behind the kernels, as one page. */
import { formulaSetter, type SetFormula } from "../document/formula.ts";
import { htmlTable, type Markup, markup, page } from "../document/html.ts";
import { FLASH, SHARED_BACKWARD } from "./attention.ts";
import { DISAGREEMENTS } from "./disagreements.ts";
import { LEAK } from "./leak.ts";
import { DISCRETISATION, PARALLEL_SCAN, SCAN_BACKWARD } from "./mamba.ts";
import { FUSION_BACKWARD, LAYER, META_AND_MASK } from "./model.ts";
import type { Block, Section } from "./section.ts";
import { ORPO, UNIGRAM } from "./training.ts";

/** The sections in the order of the page. */
export const SECTIONS: readonly Section[] = [
  LAYER,
  META_AND_MASK,
  DISCRETISATION,
  PARALLEL_SCAN,
  SCAN_BACKWARD,
  FLASH,
  SHARED_BACKWARD,
  FUSION_BACKWARD,
  ORPO,
  UNIGRAM,
  LEAK,
];

/** A paragraph with rendered formulas. In its source they are between dollar signs. */
const inline = (paragraph: string, render: SetFormula) =>
  paragraph.split("$").map((part, index) => index % 2 === 1 ? render(part, { display: false }) : part);

function blockOf(block: Block, render: SetFormula): Markup {
  if (typeof block === "string") return markup`<p>${inline(block, render)}</p>`;
  if ("tex" in block) return render(block.tex, { display: true });
  return markup`<ul>${block.list.map((item) => markup`<li>${inline(item, render)}</li>`)}</ul>`;
}

const anchorOf = (title: string) => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");

function sectionOf(
  { title, blocks, code, tests }: Section,
  { render, root }: { render: SetFormula; root: string },
): Markup {
  const links = (paths: readonly string[]) =>
    paths.map((path, index) => markup`${index > 0 && ", "}<a href="${root}/${path}">${path}</a>`);
  return markup`<h2 id="${anchorOf(title)}">${title}</h2>${blocks.map((block) => blockOf(block, render))}
<p class="where">In this program: ${links(code)}. Tested by: ${links(tests)}.</p>`;
}

const COLUMNS = ["question", "documented study", "paper", "published code", "this program"]
  .map((name) => ({ name, align: "left" as const }));

/**
 * The review as one self-contained HTML page with typeset formulas. `root` is the path from the page to the repository; links
 * to code and tests use it.
 */
export async function reviewDocument({ root = "." }: { root?: string } = {}): Promise<string> {
  const { style, set: render } = await formulaSetter(), last = "Where the sources disagree";
  const titles = [...SECTIONS.map(({ title }) => title), last];
  const rows = DISAGREEMENTS.map(({ about, study, paper, code, here }) => [about, study, paper, code, here]);
  const body = markup`
    <nav>
      <ul>${titles.map((title) => markup`<li><a href="#${anchorOf(title)}">${title}</a></li>`)}</ul>
    </nav>
    ${SECTIONS.map((section) => sectionOf(section, { render, root }))}
    <h2 id="${anchorOf(last)}">${last}</h2>${htmlTable(COLUMNS, rows, last)}
    <h2>Letters</h2><p>B batch, T time, D width of the residual stream, H query heads, G key–value heads, K width of a head, I inner
    channels of Mamba, N states of a channel, R rank of the step size, F width of the feed-forward part, V vocabulary, W window, M meta
    tokens. The same letters are used in the code.</p>
  `;
  const lead =
    "What the paper says, the derivation of the formulas in the kernels, the file that computes each and the test that " +
    "checks it, and where the sources contradict each other.";
  return page("Hymba: review and derivations", { lead, body, style });
}
