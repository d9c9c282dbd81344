import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import { architectureDocument, reportPage, reviewDocument } from "../../core/report/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { sliceReport } from "../../core/report/slices.ts";
import { surprisePage } from "../../core/report/surprise_page.ts";
import { syntheticRun, withTokenLosses } from "./synthetic_run.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
const SCRIPT = fileURLToPath(new URL("browser.ts", import.meta.url));

/** What the browser found on a page. */
interface Seen {
  readonly charts: number;
  readonly errors: readonly string[];
  readonly outside: readonly string[];
  /** Pixels by which the page is wider than its window. */
  readonly wide: number;
  readonly chart: Readonly<Record<string, unknown>>;
  readonly maps: Readonly<Record<string, unknown>>;
  readonly surprise: Readonly<Record<string, unknown>>;
}

async function browserPath(): Promise<string | undefined> {
  for (const name of BROWSERS) {
    const { success, stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
  }
}

/** Opens a page from a file; undefined, with the reason printed, where there is no browser or no driver for it. */
async function open(page: string): Promise<Seen | undefined> {
  const chromium = await browserPath();
  if (chromium === undefined) return void console.log("skipped: no chromium in the path");
  const file = await Deno.makeTempFile({ suffix: ".html" });
  try {
    await Deno.writeTextFile(file, page);
    const args = ["run", "-A", "--no-check", "--no-lock", SCRIPT, chromium, pathToFileURL(file).href];
    const picture = Deno.env.get("HYMBA_TEST_PICTURES");
    const command = new Deno.Command(Deno.execPath(), { args: picture ? [...args, picture] : args });
    const { success, stdout, stderr } = await command.output(), said = new TextDecoder().decode(stderr);
    if (
      /error: .*(npm package|npm registry|registry\.)/i.test(said) && !success && stdout.length === 0
    ) {
      return void console.log(`skipped: no driver for the browser: ${said.split("\n")[0]}`);
    }
    assert.ok(success, said);
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(file);
  }
}

function assertQuiet({ errors, outside, wide }: Seen): void {
  assert.deepEqual(errors, [], "console errors");
  assert.deepEqual(outside, [], "requests");
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than its window`);
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
  assert.equal(seen.maps.heads, 1 + run.record.study.arms[1]!.config.nHeads);
  assert.equal(seen.maps.pictures, 5, "every choice shows another map");
  assert.match(String(seen.maps.readout), /query \d+ .* → key \d+ .*: [\d.]+/);
});

Deno.test("browser: the review and the architecture need no script and no network", async () => {
  const [, , , , hymba] = studyOf("paper", {}).arms;
  for (const page of [await reviewDocument(), architectureDocument(hymba!.config)]) {
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
