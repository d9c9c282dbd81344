/** report.html: a run on one page. */
import type { Run, Sample } from "../record/mod.ts";
import { AFTER, footerOf, oneLine, titleOf } from "./caption.ts";
import { htmlTable, type Insert, type Markup, markup, page } from "./document/html.ts";
import { attentionChanges } from "./attention_change.ts";
import { hasComparisons } from "./comparison_chart.ts";
import { withoutBranches } from "./branches.ts";
import { findings, verdict } from "./findings.ts";
import { INTERACTIVE_STYLE, interactiveSections, SCRIPT } from "./interactive/mod.ts";
import { meansNote, metricsTables } from "./metrics.ts";
import { recordRows } from "./record_rows.ts";

/** The figures of a run in the folder of the page. They show the data of the charts, for slides and papers. */
function figureList(run: Run): Markup {
  const { attention } = run;
  const files: [file: string, title: string][] = [
    ["ablation_results.png", "results of all models"],
    ["training_stages_comparison.png", "both stages of training"],
    ["budgets.png", "what the loss costs"],
  ];
  if (hasComparisons(run)) files.push(["comparisons.png", "differences of the losses"]);
  if (run.recall.length > 0) files.push(["recall.png", "associative recall"]);
  for (const stage of ["pretraining", "orpo"] as const) {
    if (attention[stage]?.length) files.push([`hymba_attention_${stage}.png`, `attention ${AFTER[stage]}`]);
  }
  if (attentionChanges(run).length > 0) files.push(["hymba_attention_change.png", "how ORPO changed the attention"]);
  return markup`<ul>${files.map(([file, title]) => markup`<li><a href="${file}">${file}</a>: ${title}</li>`)}</ul>`;
}

const sampleOf = ({ stage, prompt, text }: Sample): Markup =>
  markup`
    <p class="where">${AFTER[stage]}</p>
    <pre><strong>${prompt}</strong>${text}</pre>
  `;

const samplesOf = (run: Run): Markup[] =>
  run.results.map(({ arm, seed, samples }) =>
    markup`<details><summary>${arm}, seed ${seed}: ${samples.length} samples</summary>${
      samples.map(sampleOf)
    }</details>`
  );

/** A section of the page, with a title that the contents link to. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Insert;
}

const sectionOf = ({ id, title, body }: Section): Markup => markup`<h2 id="${id}">${title}</h2>${body}`;

const tablesOf = (run: Run): Markup[] =>
  metricsTables(run).map(({ title, columns, rows, note }) =>
    markup`<h3>${title}</h3>${htmlTable(columns, rows, title)}${
      note !== undefined && markup`<p class="where">${note}</p>`
    }`
  );

/** The findings that are not in the warning or the verdict of the page. */
const otherFindings = (run: Run, said: string): Markup[] =>
  findings(run).filter((finding) => finding !== oneLine(run.record.corpus.warning ?? "") && !said.includes(finding))
    .map((finding) => markup`<li>${finding}</li>`);

/** The section that names the figures in the folder of the page. */
const figureSection = (run: Run): Section => ({
  id: "figures",
  title: "Figures",
  body: [
    markup`<p>The same data as pictures, for slides and papers, in the folder of this page:</p>`,
    figureList(run),
  ],
});

/** The record with the study's own readings of the test part: later evaluations by other commands do not change a page. */
function ownRecord({ record }: Run): Run["record"] {
  const { test_readings: all, ...rest } = record;
  return all ? { ...rest, test_readings: all.filter(({ by }) => by === "study") } : record;
}

/** The sections of a run. `beside`: the figures are in the folder of the page. */
function sectionsOf(run: Run, { beside }: { beside: boolean }): Section[] {
  // Only the tables show shorter trainings.
  const main = withoutBranches(run),
    name = { name: "what", align: "left" } as const,
    said = verdict(main),
    title = "What was run";
  const record = htmlTable([name, { ...name, name: "value" }], recordRows(run), title);
  return [
    { id: "verdict", title: "Verdict", body: markup`<div class="verdict"><p>${said}</p></div>` },
    { id: "findings", title: "Findings", body: markup`<ul>${otherFindings(main, said)}</ul>` },
    ...interactiveSections(main),
    { id: "tables", title: "Tables", body: [markup`<p>${meansNote(run)}</p>`, ...tablesOf(run)] },
    {
      id: "samples",
      title: "Samples",
      body: [
        markup`<p>The prompts (bold) are randomly chosen passages of the validation text.</p>`,
        ...samplesOf(main),
      ],
    },
    ...(beside ? [figureSection(main)] : []),
    {
      id: "what-was-run",
      title,
      body: [
        record,
        markup`<details><summary>The whole run record</summary><pre>${
          JSON.stringify(ownRecord(run), undefined, 2)
        }</pre></details>`,
      ],
    },
  ];
}

/**
 * The run as one self-contained HTML page: verdict, findings, interactive charts and attention maps, tables, samples and the
 * run record. All texts of the run are escaped. The page's policy forbids the network and every script but its own. `beside`:
 * the figures are in the folder of the page, which links to them.
 */
export function reportPage(run: Run, { beside = true }: { beside?: boolean } = {}): string {
  const { warning } = run.record.corpus, sections = sectionsOf(run, { beside });
  const links = sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`);
  const body = markup`
    ${warning !== undefined && markup`<p class="warning">${warning}</p>`}
    <nav aria-label="Contents"><ul>${links}</ul></nav>
    ${sections.map(sectionOf)}
  `;
  return page(titleOf(run), {
    lead: footerOf(run),
    body,
    style: INTERACTIVE_STYLE,
    script: SCRIPT,
  });
}
