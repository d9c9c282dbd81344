import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ARCH_TYPES, cacheSize, HymbaConfig, layersOf } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { visiblePairs } from "../../core/ops/attention.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { visibleRanges } from "../../core/report/architecture/mask.ts";
import { groupsOf, partsOf } from "../../core/report/architecture/sizes.ts";
import { whole } from "../../core/report/format.ts";
import { escaped, htmlTable, markup } from "../../core/report/document/html.ts";
import { cacheParts } from "../../core/report/architecture/poster.ts";
import {
  architectureDocument,
  architecturePng,
  architectureSvg,
  metricsTables,
  overviewDocument,
  overviewPng,
  overviewSvg,
  reportPage,
  reviewDocument,
  verdict,
} from "../../core/report/mod.ts";
import { DISAGREEMENTS } from "../../core/report/review/disagreements.ts";
import { SECTIONS } from "../../core/report/review/mod.ts";
import { syntheticRun } from "./synthetic_run.ts";

const VOID = new Set(["meta", "br", "img", "rect", "polyline", "polygon", "path"]);

/** Names of the elements of a page in order; throws when one is not closed where it should be. */
function elementsOf(page: string): string[] {
  const open: string[] = [], seen: string[] = [];
  const bare = page.replaceAll(/<(style|script)\b[^>]*>[^]*?<\/\1>/g, "").replace("<!doctype html>", "");
  for (const [, close, name, end] of bare.matchAll(/<(\/?)([a-z][a-z0-9]*)\b(?:"[^"]*"|[^">])*?(\/?)>/gi)) {
    if (close) assert.equal(open.pop(), name);
    else {
      seen.push(name!);
      if (!end && !VOID.has(name!.toLowerCase())) open.push(name!);
    }
  }
  assert.deepEqual(open, []);
  return seen;
}

/** What would make a page reach for the network or run something. */
function assertSelfContained(page: string): void {
  assert.doesNotMatch(page, /<script|<link|<iframe|\son\w+\s*=|src="(?!data:)|url\((?!data:)|@import|javascript:/i);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
}

Deno.test("html: what is put into a template is text, unless it is markup", () => {
  const evil = `<script>alert("1")</script>&'`;
  assert.equal(markup`<p title="${evil}">${evil}</p>`.text.includes("<script"), false);
  assert.equal(markup`<p>${[markup`<b>a</b>`, 1, undefined, false, "<"]}</p>`.text, "<p><b>a</b>1&lt;</p>");
  assert.equal(escaped("a\u202eb\u0007c"), "a\\u{202e}b\\u{7}c");
  const table = htmlTable([{ name: "<a>", align: "left" }, { name: "n", unit: "s" }], [["<x>"]]).text;
  assert.match(table, /&lt;a&gt;.*&lt;x&gt;/s);
  assert.equal(table.match(/<td/g)!.length, 2, "short rows are filled up");
});

Deno.test("architecture: every model of every preset gives a well-formed page without scripts or network", () => {
  for (const preset of ["smoke", "paper"]) {
    for (const { name, config } of studyOf(preset).arms) {
      const page = architectureDocument(config), elements = elementsOf(page);
      assertSelfContained(page);
      assert.ok(elements.includes("svg"), name);
      assert.equal(
        page.includes("shared K, V"),
        layersOf(config).some(({ index, attention, kvOwner }) => attention && kvOwner !== index),
      );
    }
  }
});

Deno.test("architecture: the layers, the groups and the windows drawn are those of the configuration", () => {
  const config = new HymbaConfig(), page = architectureDocument(config);
  assert.equal(page.match(/attention global/g)!.length, 3);
  assert.equal(page.match(/attention local, window 128<\/text>/g)!.length, 12);
  assert.equal(page.match(/shared K, V/g)!.length, 6);
  assert.match(page, /Layers 0, 7, 14\./);
  const takers = [2, 4, 6, 9, 11, 13].map((layer) => `${layer} (keys and values of ${layer - 1})`).join(", ");
  assert.ok(page.includes(`Layers ${takers}.`));
  const triple = architectureDocument(new HymbaConfig({ nLayers: 5, globalAttnIndices: [0, 4] }));
  assert.match(triple, /Layers 2 \(keys and values of 1\), 3 \(keys and values of 1\)\./);
});

Deno.test("architecture: the parts add up to the model's parameters, and none is left without a name", () => {
  for (const archType of ARCH_TYPES) {
    const config = new HymbaConfig({ archType }), parts = partsOf(config);
    assert.equal(parts.reduce((sum, { parameters }) => sum + parameters, 0), parameterCount(config));
    assert.ok(parts.every(({ name }) => !name.includes(".")), parts.map(({ name }) => name).join());
  }
});

Deno.test("architecture: the mask that is drawn is the mask of the attention", () => {
  for (const [window, meta, T] of [[0, 0, 9], [0, 4, 9], [3, 0, 9], [3, 4, 13], [5, 2, 3], [1, 1, 1]] as const) {
    let pairs = 0;
    for (let q = 0; q < meta + T; q++) for (const [from, to] of visibleRanges(q, { window, meta })) pairs += to - from;
    assert.equal(pairs, visiblePairs(meta + T, { window, meta }), `window ${window}, meta ${meta}, T ${T}`);
  }
});

Deno.test("architecture: the sheet shows every layer, part and cache, and its caches are those of the program", async () => {
  for (const preset of ["smoke", "paper"]) {
    for (const { name, config } of studyOf(preset).arms) {
      const svg = architectureSvg(name, config);
      elementsOf(svg);
      const sizes = [...svg.matchAll(/font-size="([\d.]+)"/g)].map(([, size]) => Number(size));
      const [, width] = /viewBox="0 0 (\d+) /.exec(svg) ?? [], printed = 17 / 2.54 * 72;
      assert.ok(Math.min(...sizes) / Number(width) * printed >= 6, "six points, printed 17 cm wide");
      assert.equal(svg.match(/>SwiGLU<\/text>/g)!.length, config.nLayers + 1, "one a layer, and the part");
      for (const part of partsOf(config)) assert.ok(svg.includes(escaped(part.name)), part.name);
      for (const T of [1, 128, 5000]) {
        const { globalBytes, localBytes } = cacheParts(config, T);
        assert.equal(globalBytes + localBytes, cacheSize(config, T).kvBytes);
      }
    }
  }
  const png = await architecturePng("hymba", studyOf("smoke", { models: ["hymba"] }).arms[0]!.config);
  const view = new DataView(png.buffer, png.byteOffset);
  assert.ok(view.getUint32(16) > 1500 && view.getUint32(20) > 2000, "two pixels for each of the drawing");
});

Deno.test("architecture: side by side, every model has its layers, all its parameters and its caches", async () => {
  for (const preset of ["smoke", "paper"]) {
    const { arms } = studyOf(preset), page = overviewDocument(arms), svg = overviewSvg(arms);
    assertSelfContained(page);
    elementsOf(svg);
    const layers = arms.flatMap(({ config }) => layersOf(config));
    const mamba = layers.filter(({ mamba }) => mamba).length;
    for (const text of [page, svg]) {
      // Besides a box for each layer, its group of parameters in each column and the legend.
      assert.ok(text.match(/>Mamba<\/text>/g)!.length >= mamba + arms.length, preset);
      for (const { name, config } of arms) {
        assert.ok(text.includes(`>${name}</text>`), name);
        assert.ok(text.includes(`>${whole(parameterCount(config))} parameters</text>`), name);
        const groups = groupsOf(config).map(({ parameters }) => parameters);
        assert.equal(groups.reduce((a, b) => a + b), parameterCount(config));
      }
    }
  }
  const png = await overviewPng(studyOf("smoke").arms), view = new DataView(png.buffer, png.byteOffset);
  assert.ok(view.getUint32(16) > 3000 && view.getUint32(20) > 1200, "five columns, two pixels for each of the drawing");
});

Deno.test("review: every formula is rendered, every linked file exists, the page needs nothing else", async () => {
  const page = await reviewDocument({ root: "../.." });
  assertSelfContained(page);
  const formulas = elementsOf(page).filter((name) => name === "math").length;
  assert.ok(formulas > 60, `${formulas} formulas`);
  const shown = page.replaceAll(/<annotation[^]*?<\/annotation>/g, "").replace(/<style>[^]*?<\/style>/, "");
  assert.doesNotMatch(shown, /\$|\\[a-z]+\{/);
  assert.equal(page.match(/src:url\(data:font\/woff2;base64,/g)!.length, 9, "the typefaces of the formulas");
  for (const { code, tests } of SECTIONS) {
    assert.ok(code.length > 0 && tests.length > 0);
    for (const path of [...code, ...tests]) {
      assert.ok((await Deno.stat(new URL(`../../${path}`, import.meta.url))).isFile, path);
      assert.ok(page.includes(`href="../../${path}"`));
    }
  }
  assert.equal(page.match(/<tr>/g)!.length, DISAGREEMENTS.length + 1);
  assert.equal(new Set(DISAGREEMENTS.map(({ about }) => about)).size, DISAGREEMENTS.length, "no question twice");
  for (const { about, study, paper, code, here } of DISAGREEMENTS) {
    assert.ok([study, paper, code].some((source) => source !== "–") && here !== "–", about);
  }
});

Deno.test("report: everything of a run is on the page, and nothing in a run acts on the reader's browser", () => {
  const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>"'`;
  const run = syntheticRun({ arms: ["hymba"], preset: "smoke", corpus: evil });
  const [result] = run.results, samples = [{ stage: "orpo" as const, prompt: evil, text: evil }];
  const page = reportPage({
    ...run,
    record: { ...run.record, corpus: { ...run.record.corpus, warning: evil }, command: evil },
    results: [{ ...result!, samples, failure: evil }],
  });
  elementsOf(page);
  assert.doesNotMatch(page, /<script>alert|<img src=x/);
  assert.equal(page.match(/<script>/g)!.length, 1, "the page's own program");
  const own = /<script>([^]*)<\/script>/.exec(page)![1]!;
  assert.ok(page.includes(`script-src 'sha256-${createHash("sha256").update(own).digest("base64")}'`));
  assert.ok(page.length < 1e6, `the page has ${page.length} bytes`);
  assert.doesNotMatch(page, /<img/, "no picture of data that a chart shows");
  for (const heading of ["Findings", "Charts", "Attention of hymba", "Figures", "Tables", "Samples", "What was run"]) {
    const id = new RegExp(`<h2 id="([\\w-]+)">${heading}</h2>`).exec(page)?.[1];
    assert.ok(id && page.includes(`<a href="#${id}">${heading}</a>`), heading);
  }
});

Deno.test("report: the page says its warning and its verdict once, and has every table of the run", () => {
  const made = syntheticRun({ arms: ["mamba", "hymba"], preset: "smoke" }), { corpus } = made.record;
  const run = { ...made, record: { ...made.record, corpus: { ...corpus, warning: "This is another text." } } };
  const page = reportPage(run), count = (words: string) => page.split(words).length - 1;
  assert.equal(count("This is another text.</p>"), 1);
  assert.equal(count("<li>This is another text.</li>"), 0);
  const said = verdict(run).split(" One seed.")[0] ?? "";
  assert.equal(count(said), 1, said);
  for (const { title } of metricsTables(run)) assert.equal(count(`<h3>${title}</h3>`), 1, title);
  assert.equal(count("<main>"), 1);
  assert.equal(count('class="wide"'), count('class="wide" tabindex="0" role="region" aria-label="'));
});
