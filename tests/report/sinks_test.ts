/** Untrusted texts in every output: one table of texts, and one place per output that makes them harmless. */
import assert from "node:assert/strict";
import { runRecordOf } from "../../core/record/mod.ts";
import { parseLog } from "../../core/disk/mod.ts";
import { HymbaError, printable } from "../../core/errors.ts";
import { ablationChart } from "../../core/report/ablation_chart.ts";
import { attentionChart } from "../../core/report/attention_chart.ts";
import { csvOf, metricsText, samplesText } from "../../core/report/mod.ts";
import { dataBlock, escaped, markup } from "../../core/report/document/html.ts";
import { drawing, label, textBox } from "../../core/report/document/svg.ts";
import { interactiveSections } from "../../core/report/interactive/mod.ts";
import { syntheticRun } from "./synthetic_run.ts";

const HOSTILE = [
  `<script>alert(1)</script>`,
  `</script><img src=x onerror=alert(1)>`,
  `"' onmouseover=alert(1) x="`,
  "\u001b[2J\u001b]0;title\u0007",
  "\u009b31m",
  "=cmd|' /C calc'!A0",
  "\t=1+1",
  "../../etc/passwd",
  "nul\u0000byte",
  "\u202egnp.exe\u2066",
  "a\u2028b\u2029c",
  "\ud800 alone",
];

/** What acts on a terminal or disguises text. */
const ACTS = /[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A run whose every free text is the hostile one. */
function runOf(text: string) {
  const run = syntheticRun({ arms: ["hymba"], preset: "smoke", corpus: text }), { record } = run;
  const samples = [{ stage: "orpo" as const, prompt: text, text }];
  const maps = run.attention.orpo!.map((map) => ({ ...map, labels: map.labels.map(() => text) }));
  return {
    ...run,
    record: { ...record, command: text, adapter: { name: text }, corpus: { ...record.corpus, warning: text } },
    results: run.results.map((result) => ({ ...result, samples, failure: text })),
    attention: { orpo: maps },
  };
}

Deno.test("sinks: a terminal and a text file get nothing that acts", () => {
  for (const text of HOSTILE) {
    const run = runOf(text);
    for (const shown of [metricsText(run), samplesText(run), new HymbaError(text, { got: text }).message]) {
      assert.doesNotMatch(shown, ACTS, JSON.stringify(text));
    }
  }
});

Deno.test("sinks: no cell of the CSV is a formula, and each stays one cell of one line", () => {
  for (const text of HOSTILE) {
    const lines = csvOf(runOf(text)).trimEnd().split("\n");
    assert.equal(lines.length, 4, "headings, one arm, two baselines");
    for (const line of lines) {
      assert.doesNotMatch(line, ACTS);
      for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
        const cell = quoted ?? plain ?? "";
        assert.ok(Number.isFinite(Number(cell)) || !/^\s*[=+\-@]/.test(cell), JSON.stringify(cell));
      }
    }
  }
});

Deno.test("sinks: a page shows the text and nothing of it becomes an element, an attribute or a script", () => {
  for (const text of HOSTILE) {
    assert.doesNotMatch(markup`<p title="${text}">${text}</p>`.text.slice(10, -4), /<(?!\/?p)/);
    assert.doesNotMatch(escaped(text), ACTS);
    const { text: block } = dataBlock("x", { text }), json = block.slice(block.indexOf(">") + 1, -"</script>".length);
    assert.doesNotMatch(json, /[<\u2028\u2029]/);
    assert.equal(JSON.parse(json).text, text);
    const sections = interactiveSections(runOf(text)).map(({ body }) => body.text).join("");
    assert.equal(sections.match(/<script/g)!.length, 2, "the two blocks of data");
    assert.doesNotMatch(sections, /<img|onmouseover=alert\(1\) x="/);
  }
});

Deno.test("sinks: a drawing shows the text and nothing of it becomes an element or an attribute", () => {
  for (const text of HOSTILE) {
    const { text: svg } = drawing(
      { width: 90, height: 40, title: text },
      [textBox([0, 0, 80, 20], [text, text], { fill: "none" }), label(text, { x: 1, y: 30 })],
    );
    assert.doesNotMatch(svg, ACTS);
    assert.deepEqual([...svg.matchAll(/<(\w+)/g)].map(([, name]) => name), [
      ...["svg", "title", "rect", "text", "text", "text"],
    ]);
    for (const [tag] of svg.matchAll(/<[^>]*>/g)) assert.doesNotMatch(tag, /onmouseover=alert\(1\) x="/);
  }
});

Deno.test("sinks: a picture is pixels: no chunk of a PNG carries a text", async () => {
  for (const text of HOSTILE.slice(0, 4)) {
    const run = runOf(text);
    for (const bytes of [await ablationChart(run), await attentionChart(run, "orpo")]) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), kinds = new Set<string>();
      for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
        kinds.add(String.fromCharCode(...bytes.subarray(at + 4, at + 8)));
      }
      for (const kind of kinds) assert.ok(["IHDR", "sBIT", "sRGB", "pHYs", "IDAT", "IEND"].includes(kind), kind);
    }
  }
});

Deno.test("sinks: a line of a gigabyte is refused by the readers of logs, without being held twice", () => {
  const line = new Uint8Array(2 ** 30); // zeros, which the system gives out without memory until they are written
  line.set(new TextEncoder().encode('{"arm":"'));
  line[line.length - 1] = 0x0a;
  const before = Deno.memoryUsage(), held = before.heapUsed + before.external;
  assert.throws(
    () => parseLog(line, "metrics.jsonl"),
    /metrics\.jsonl, line 1: not a JSON object of at most 1048576 bytes/,
  );
  const { heapUsed, external } = Deno.memoryUsage();
  assert.ok(heapUsed + external - held < 64 * 2 ** 20);
});

Deno.test("sinks: a name that would leave the run's folder or hide in it names no file", () => {
  for (const name of HOSTILE.filter((text) => !/^</.test(text))) {
    const { record } = syntheticRun({ arms: ["hymba"], preset: "smoke" }), [arm] = record.study.arms;
    const spoilt = { ...record, study: { ...record.study, arms: [{ ...arm!, name }] } };
    assert.throws(() => runRecordOf(JSON.parse(JSON.stringify(spoilt)), "run.json"), HymbaError, JSON.stringify(name));
  }
});

Deno.test("sinks: a line of four million characters goes through in seconds", () => {
  const long = "\u001b<x>=".repeat(800_000), started = performance.now();
  for (const sink of [printable, escaped]) assert.ok(sink(long).length > long.length);
  assert.ok(
    csvOf({ ...syntheticRun({ arms: ["hymba"], preset: "smoke" }), results: runOf(long).results }).length > 1e6,
  );
  assert.ok(performance.now() - started < 5000, "seconds on a busy machine");
});
