import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { architectureDocument, overviewDocument, reportPage, reviewDocument } from "../../core/report/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { sliceReport } from "../../core/report/slices.ts";
import { surprisePage } from "../../core/report/surprise_page.ts";
import { inChromium } from "../browser.ts";
import { syntheticRun, withTokenLosses } from "./synthetic_run.ts";

const SCRIPT = new URL("use_report.ts", import.meta.url);

/** What the browser found on a page. */
interface Seen {
  readonly charts: number;
  readonly errors: readonly string[];
  readonly outside: readonly string[];
  /** Pixels by which the page is wider than its window. */
  readonly wide: number;
  readonly looks: Readonly<Record<string, { readonly wide: number; readonly violations: readonly string[] }>>;
  readonly chart: Readonly<Record<string, unknown>>;
  readonly maps: Readonly<Record<string, unknown>>;
  readonly surprise: Readonly<Record<string, unknown>>;
}

/** Opens a page from a file; undefined, with the reason printed, if there is no browser or no driver for it. */
async function open(page: string): Promise<Seen | undefined> {
  const file = await Deno.makeTempFile({ suffix: ".html" }), picture = Deno.env.get("HYMBA_TEST_PICTURES");
  try {
    await Deno.writeTextFile(file, page);
    return await inChromium<Seen>(SCRIPT, [pathToFileURL(file).href, ...(picture ? [picture] : [])]);
  } finally {
    await Deno.remove(file);
  }
}

function assertQuiet({ errors, outside, wide, looks }: Seen): void {
  assert.deepEqual(errors, [], "console errors");
  assert.deepEqual(outside, [], "requests");
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than its window`);
  assert.ok(Object.keys(looks).length >= 3);
  for (const [look, { wide, violations }] of Object.entries(looks)) {
    assert.ok(wide <= 0, `${look}: the page is ${wide} pixels wider than its window`);
    assert.deepEqual(violations, [], look);
  }
}

Deno.test("browser: the report's charts and maps answer, without an error and without a request", async () => {
  const evil = `</script><script>console.error("ran")</script><img src=x onerror=console.error(1)>\u202e`;
  const run = syntheticRun({ arms: ["mamba", "hymba"], preset: "quick", corpus: evil });
  const [result] = run.results, failed = { ...result!, failure: evil };
  const seen = await open(reportPage({ ...run, results: [failed, ...run.results.slice(1)] }));
  if (!seen) return;
  assertQuiet(seen);
  const { before, hidden, pressed, shown, scaleChanged, tip } = seen.chart;
  assert.ok(seen.charts >= 8);
  assert.deepEqual([before, hidden, pressed, shown, scaleChanged], [4, 2, "false", 4, true]);
  assert.match(String(tip), /step \d+[^]*hymba/);
  const { steps, bar, finding } = seen.chart;
  assert.equal(new Set(steps as string[]).size, 3, "arrow keys go from step to step");
  assert.match(String((steps as string[])[0]), /step \d+[^]*hymba/);
  assert.match(String(bar), /bytes[^]*mamba/);
  assert.match(String(finding), /^Cache of one sequence: lowest \w+ [\d.]+.*, highest \w+ [\d.]+/);
  assert.equal(seen.maps.heads, 1 + run.record.study.arms[1]!.config.nHeads);
  assert.equal(seen.maps.pictures, 5, "every choice shows another map");
  assert.notEqual(seen.maps.moved, seen.maps.pointed, "arrow keys go from cell to cell");
  assert.match(String(seen.maps.change), /moved to other keys: [\d.]+ %/);
  assert.match(String(seen.maps.readout), /query \d+ .* → key \d+ .*: [\d.]+/);
});

Deno.test("browser: the review and the architecture need no script and no network", async () => {
  const [, , , , hymba] = studyOf("paper", {}).arms;
  const several = overviewDocument(studyOf("paper", {}).arms);
  for (const page of [await reviewDocument(), architectureDocument(hymba!.config), several]) {
    const seen = await open(page);
    if (seen) assertQuiet(seen);
  }
});

Deno.test("browser: the coloured text answers to keys and choices, without an error and without a request", async () => {
  const run = withTokenLosses(syntheticRun({ arms: ["mamba", "hymba"] }), (arm) => arm === "hymba" ? 4 : 0);
  const codes = new Uint8Array(9600).map((_, i) => i % 3 === 0 ? 1 : 0);
  const groups = [{ title: "made up", kinds: ["two", "one"], codes }];
  const texts = Array.from(codes, (_, i) => i % 9 === 0 ? "</script>\n" : `w${i} `);
  const seen = await open(surprisePage(run, { report: sliceReport(run, groups), groups, texts }));
  if (!seen) return;
  assertQuiet(seen);
  const { first, second, turned, back, dimmed, changed, coloured } = seen.surprise;
  assert.match(String(first), /^"<\/script>\\n": mamba \d.*hymba \d.* nats\. one\.$/);
  assert.match(String(second), /^"w1 ": .* two\.$/);
  assert.deepEqual([turned, back, dimmed, changed], ["page 2 of 16", "page 1 of 16", 200, true]);
  assert.ok(Number(coloured) > 300, `${coloured}`);
});
