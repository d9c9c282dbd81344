/**
 * Opens a page in headless Chromium and does what a reader does: `deno run -A use_report.ts CHROMIUM PAGE [PICTURE]`. Prints one
 * line of JSON.
 */
import { type Page, withBrowser } from "../browser_driver.ts";

const AXE = "npm:axe-core@4.14.1";

/** The chart's state, its picture as text, before and after each click. */
async function useChart(page: Page): Promise<Record<string, unknown>> {
  const chart = page.locator("[data-chart]").first(), lines = chart.locator("polyline");
  const before = await lines.count(), arm = page.locator("#legend button.arm").first();
  await arm.click();
  const hidden = await lines.count(), pressed = await arm.getAttribute("aria-pressed");
  await arm.click();
  const shown = await lines.count(), ticks = chart.locator("svg");
  const linear = await ticks.textContent();
  await chart.locator("button.scale").click();
  const logarithmic = await ticks.textContent();
  await chart.locator("button.scale").click();
  await chart.locator("svg").hover({ position: { x: 300, y: 100 } });
  const tip = await chart.locator(".tip").innerText();
  return { before, hidden, pressed, shown, scaleChanged: linear !== logarithmic, tip, ...await useKeys(page) };
}

/** What arrow keys say of the first and of the last chart, and what a chart says of itself. */
async function useKeys(page: Page): Promise<Record<string, unknown>> {
  const plots = page.locator("[data-chart] .plot"), [lines, bars] = [plots.first(), plots.nth(await plots.count() - 1)];
  const steps: string[] = [];
  for (const key of ["ArrowRight", "ArrowRight", "End"]) {
    await lines.press(key);
    steps.push(await lines.locator(".tip").innerText());
  }
  await lines.press("Escape");
  await bars.press("ArrowRight");
  return {
    steps,
    bar: await bars.locator(".tip").innerText(),
    finding: await bars.locator("svg").getAttribute("aria-label"),
  };
}

/** The picture of the map for each choice, and the description of a cell. */
async function useMaps(page: Page): Promise<Record<string, unknown>> {
  const maps = page.locator("#maps"), canvas = maps.locator("canvas"), seen: string[] = [];
  if (await maps.count() === 0) return {};
  const note = async () => {
    seen.push(await canvas.evaluate((element) => element.toDataURL()) + await maps.locator(".summary").innerText());
  };
  await note();
  for (const [choice, option] of [[1, 1], [2, 2], [2, 1], [1, 0]] as const) {
    await maps.locator("select").nth(choice).selectOption({ index: option });
    await note();
  }
  await canvas.hover({ position: { x: 20, y: 300 } });
  const heads = await maps.locator("select").nth(2).locator("option").count(),
    pointed = await maps.locator(".readout").innerText();
  await canvas.press("ArrowDown");
  await canvas.press("ArrowRight");
  const moved = await maps.locator(".readout").innerText(), stages = maps.locator("select").nth(0);
  await stages.selectOption({ index: await stages.locator("option").count() - 1 });
  const change = await maps.locator(".summary").innerText();
  return { moved, change, pointed, pictures: new Set(seen).size, heads, readout: pointed };
}

/** What the coloured text says, before and after keys and choices. */
async function useSurprise(page: Page): Promise<Record<string, unknown>> {
  const place = page.locator("[data-surprise]"), text = place.locator(".text");
  if (await place.count() === 0) return {};
  const readout = () => place.locator(".readout").innerText();
  const first = await readout();
  await text.press("ArrowRight");
  const second = await readout();
  await text.press("PageDown");
  const turned = await place.locator(".pages span").innerText();
  await text.press("ArrowLeft");
  const back = await place.locator(".pages span").innerText(), summary = await place.locator(".summary").innerText();
  await place.locator("select").nth(2).selectOption({ index: 1 });
  const dimmed = await text.locator(".dim").count(), narrowed = await place.locator(".summary").innerText();
  return {
    first,
    second,
    turned,
    back,
    dimmed,
    changed: narrowed !== summary,
    coloured: await text.locator(".a4").count(),
  };
}

/** What axe-core finds wrong: rules and the elements that break them. */
async function violations(page: Page, source: string): Promise<string[]> {
  await page.evaluate(`${source}; undefined`);
  return await page.evaluate<string[]>(
    "axe.run(document).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`)))",
  );
}

/** Each colour and width of a page: what axe-core finds, and by how many pixels it is wider than its window. */
const LOOKS = [["light", 1280], ["dark", 1280], ["light", 360]] as const;

async function lookAt(page: Page): Promise<Record<string, { wide: number; violations: string[] }>> {
  const { default: { source } } = await import(AXE) as { default: { source: string } };
  const looks: Record<string, { wide: number; violations: string[] }> = {};
  for (const [colorScheme, width] of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    looks[`${colorScheme} ${width}`] = {
      wide: await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"),
      violations: await violations(page, source),
    };
    if (picture) await page.screenshot({ path: `${picture}-${colorScheme}-${width}.png`, fullPage: true });
  }
  return looks;
}

const [executablePath = "", target = "", picture] = Deno.args;
const seen = await withBrowser(executablePath, { gpu: false }, async (open) => {
  const { page, errors, requests } = await open(target);
  const charts = await page.locator("[data-chart] svg").count();
  const interaction = charts > 0 ? { chart: await useChart(page), maps: await useMaps(page) } : {};
  const surprise = await useSurprise(page);
  const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  const looks = await lookAt(page);
  if (picture) {
    await page.setViewportSize({ width: 1280, height: 1000 });
    await page.emulateMedia({ media: "print", colorScheme: "light" });
    await page.screenshot({ path: `${picture}-print.png`, fullPage: true });
  }
  const outside = requests.filter((url) => url !== target && !url.startsWith("data:"));
  return { charts, errors, outside, wide, looks, surprise, ...interaction };
});
console.log(JSON.stringify(seen));
