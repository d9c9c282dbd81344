/** report.html: a run on one page. */
import type { Run, Sample } from "../record/mod.ts";
import { ablationChart } from "./ablation_chart.ts";
import { attentionChart } from "./attention_chart.ts";
import { AFTER, footerOf } from "./caption.ts";
import { htmlTable, inlinePng, type Markup, markup, page } from "./document/html.ts";
import { comparisonChart, hasComparisons } from "./comparison_chart.ts";
import { withoutBranches } from "./branches.ts";
import { findings, verdict } from "./findings.ts";
import { INTERACTIVE_STYLE, interactiveSections, SCRIPT } from "./interactive/mod.ts";
import { meansNote, metricsTables } from "./metrics.ts";
import { recordRows } from "./record_rows.ts";
import { probeOf, recallChart } from "./recall.ts";
import { stagesChart } from "./stages_chart.ts";

async function figures(run: Run): Promise<Markup[]> {
  const pictures: [title: string, bytes: Uint8Array][] = [
    ["Results of all models", await ablationChart(run)],
    ["Both stages of training", await stagesChart(run)],
  ];
  if (hasComparisons(run)) pictures.push(["Differences in validation loss", await comparisonChart(run)]);
  if (run.recall.length > 0) pictures.push(["Associative recall", await recallChart(probeOf(run))]);
  for (const stage of ["pretraining", "orpo"] as const) {
    if (!run.attention[stage]?.length) continue;
    pictures.push([`Attention of hymba ${AFTER[stage]}`, await attentionChart(run, stage)]);
  }
  return pictures.map(([title, bytes]) =>
    markup`
      <h3>${title}</h3>
      <figure>${inlinePng(bytes, title)}</figure>
    `
  );
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

/**
 * The run as one self-contained HTML page: findings, interactive charts and attention maps, tables, samples, figures and the
 * run record. All texts of the run are escaped. The page's policy forbids the network and every script but its own.
 */
export async function reportPage(run: Run): Promise<string> {
  const main = withoutBranches(run), { corpus } = run.record, name = { name: "", align: "left" } as const;
  const body = markup`
    ${corpus.warning !== undefined && markup`<p class="warning">${corpus.warning}</p>`}
    <h2>Verdict</h2><div class="verdict"><p>${verdict(main)}</p></div>
    <h2>Findings</h2><div>
      <ul>${findings(main).map((finding) => markup`<li>${finding}</li>`)}</ul>
    </div>
    ${interactiveSections(main)}
    <h2>Tables</h2><p>${meansNote(run)}</p>${
    metricsTables(run)
      .map(({ title, columns, rows, note }) =>
        markup`<h3>${title}</h3>${htmlTable(columns, rows)}${
          note !== undefined && markup`<p class="where">${note}</p>`
        }`
      )
  }
    <h2>Samples</h2><p>The prompts (bold) are randomly chosen passages of the validation text.</p>${samplesOf(main)}
    <h2>Figures</h2><details><summary>The same data as pictures</summary>${await figures(run)}</details>
    <h2>What was run</h2>${htmlTable([name, { ...name, name: " " }], recordRows(run))}
    <details>
      <summary>The whole run record</summary>
      <pre>${JSON.stringify(run.record, undefined, 2)}</pre>
    </details>
  `;
  return page("Ablation of attention and Mamba", {
    lead: footerOf(run),
    body,
    style: INTERACTIVE_STYLE,
    script: SCRIPT,
  });
}
