/** The interactive part of the page: charts and attention maps, with their script and style. */
import axis from "./axis.js" with { type: "text" };
import charts from "./charts.js" with { type: "text" };
import maps from "./maps.js" with { type: "text" };
import type { Run } from "../../record/mod.ts";
import { dataBlock, Markup, markup } from "../document/html.ts";
import { chartData } from "./chart_data.ts";
import { mapData } from "./map_data.ts";

/** The source of a module without imports and exports, because all modules share one function on the page. */
const withoutImports = (source: string) => source.replaceAll(/^import [^;]*;\n/gm, "").replaceAll(/^export /gm, "");

/** Modules as the script of a page. It is one function, so that it defines no global names. */
export const inlineScript = (modules: readonly string[]): string =>
  `(() => {\n"use strict";\n${modules.map(withoutImports).join("\n")}})();\n`;

/** The script of the report. */
export const SCRIPT = inlineScript([axis, charts, maps]);

export const INTERACTIVE_STYLE = new Markup(`
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,32rem),1fr));gap:1rem 2rem}
.charts h3{margin-bottom:0}.charts .where{margin:.1rem 0 .5rem}.plot{position:relative}.plot svg{width:100%;display:block}
.controls{display:flex;flex-wrap:wrap;gap:.35rem}.controls button,select{font:inherit;font-size:.82rem;color:var(--ink);background:var(--tint);
border:1px solid var(--rule);border-radius:99px;padding:.1rem .65rem;cursor:pointer}select{border-radius:6px;padding:.25rem .5rem}
button[aria-pressed=false].arm{opacity:.45;text-decoration:line-through}button[aria-pressed=true].scale{background:var(--ink);color:var(--paper)}
.swatch{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.4em}
.grid{stroke:var(--rule)}.axis{stroke:var(--faint)}.tick,.title{fill:var(--faint);font-size:12.5px}.rule{stroke:var(--faint);stroke-dasharray:2 3}
.baseline{stroke:var(--faint);stroke-dasharray:7 5}.band{opacity:.15}.whisker{fill:none;stroke:var(--ink);stroke-width:1.5}.edge{stroke:var(--paper);stroke-width:3.5}
.line{fill:none;stroke-width:2}.faint{opacity:.35;stroke-width:1.2}.marker{stroke:var(--paper);stroke-width:1}
.tip{position:absolute;top:.4rem;pointer-events:none;background:var(--paper);color:var(--ink);border:1px solid var(--rule);border-radius:6px;
padding:.35rem .6rem;font-size:.78rem;line-height:1.5;box-shadow:0 2px 8px #0003;white-space:pre}.tip div{padding-left:.4rem;margin:.1rem 0}
.choices{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem}#maps canvas{width:min(100%,46rem);image-rendering:pixelated;display:block;border:1px solid var(--rule);margin-top:.4rem}
.summary,.readout{font-size:.88rem;min-height:1.5em;margin:.5rem 0;overflow-wrap:anywhere}.ramp{height:14px;width:20rem;max-width:100%;border-radius:3px}
`);

function chartSection(charts: ReturnType<typeof chartData>): Markup {
  const places = charts.map(({ title, note }, index) =>
    markup`<section data-chart="${index}"><h3>${title}</h3><p class="where">${note}</p></section>`
  );
  return markup`<p>Point at a chart to see its values, or go to it with the tab key and use the arrow keys. A name hides or shows that model in
all charts. <a href="#tables">The tables</a> have the numbers.</p>
<div id="legend" class="controls" role="group" aria-label="Models in the charts"></div>
<noscript><p class="warning">These charts need JavaScript. The tables below and the figures in the folder of this page show the same data without it.</p></noscript>
<div class="charts">${places}</div>${dataBlock("chart-data", charts)}`;
}

function mapSection(data: NonNullable<ReturnType<typeof mapData>>): Markup {
  const ramp = data.colours.filter((_, at) => at % 15 === 0).map((rgb) => `rgb(${rgb.join(" ")})`).join(",");
  const floor = data.stages[0]?.maps[0]?.floor ?? data.least;
  return markup`<p>One sequence of the validation text. Rows are queries, columns are keys. Cells that the
mask hides are grey; orange lines separate the meta tokens from the text. Point at a cell to see its probability (accurate to 3 %), or go
to the map with the tab key and use the arrow keys.</p>
<div id="maps"><div class="choices"><label>stage <select></select></label><label>layer <select></select></label>
<label>head <select></select></label></div><p class="summary"></p>
<canvas role="img" tabindex="0" aria-label="attention probabilities"></canvas><p class="readout" role="status"></p>
<div class="ramp" style="background:linear-gradient(90deg,${ramp})"></div>
<p class="where">logarithmic colour scale from ${String(floor)} to 1${
    data.change &&
    markup`; of the change: from dark blue (${-data
      .change} and less) over grey (none) to yellow (+${data.change} and more)`
  }</p></div>${dataBlock("map-data", data)}`;
}

/** The sections of the charts, and of the attention maps if the run has any. */
export function interactiveSections(run: Run): { id: string; title: string; body: Markup }[] {
  const data = mapData(run);
  return [
    { id: "charts", title: "Charts", body: chartSection(chartData(run)) },
    ...(data ? [{ id: "attention", title: "Attention of hymba", body: mapSection(data) }] : []),
  ];
}
