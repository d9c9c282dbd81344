/**
 * Opens a page in headless Chromium and does what a reader does: `deno run -A browser.ts CHROMIUM PAGE [PICTURE]`. Prints one
 * line of JSON. A process of its own, because the driver is not among the packages of the lock file.
 */
const DRIVER = "npm:playwright-core@1.65.1";

interface Locator {
  count(): Promise<number>;
  nth(index: number): Locator;
  first(): Locator;
  locator(selector: string): Locator;
  click(): Promise<void>;
  press(key: string): Promise<void>;
  hover(options?: { position: { x: number; y: number } }): Promise<void>;
  innerText(): Promise<string>;
  textContent(): Promise<string | null>;
  getAttribute(name: string): Promise<string | null>;
  selectOption(option: { index: number }): Promise<unknown>;
  screenshot(options: { path: string }): Promise<unknown>;
  evaluate<T>(run: (element: { toDataURL(): string }) => T): Promise<T>;
}

interface Page {
  on(
    event: string,
    handle: (message: { type(): string; text(): string; url(): string; message: string }) => void,
  ): void;
  goto(url: string): Promise<unknown>;
  locator(selector: string): Locator;
  emulateMedia(options: { colorScheme: "dark" | "light" }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  evaluate<T>(run: string): Promise<T>;
}

interface Driver {
  chromium: {
    launch(options: { executablePath: string; args: string[] }): Promise<{
      newPage(options: { viewport: { width: number; height: number } }): Promise<Page>;
      close(): Promise<void>;
    }>;
  };
}

/** The chart's state, its picture as text, before and after each click. */
async function useChart(page: Page): Promise<Record<string, unknown>> {
  const chart = page.locator("[data-chart]").first(), lines = chart.locator("polyline");
  const before = await lines.count(), arm = chart.locator("button.arm").first();
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
  return { before, hidden, pressed, shown, scaleChanged: linear !== logarithmic, tip };
}

/** What the map shows for each choice, and what it says of a cell. */
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
  const heads = await maps.locator("select").nth(2).locator("option").count();
  return { pictures: new Set(seen).size, heads, readout: await maps.locator(".readout").innerText() };
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

const [executablePath = "", target = "", picture] = Deno.args;
const { chromium } = await import(DRIVER) as Driver;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const errors: string[] = [], requests: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(target);
  const charts = await page.locator("[data-chart] svg").count();
  const interaction = charts > 0 ? { chart: await useChart(page), maps: await useMaps(page) } : {};
  const surprise = await useSurprise(page);
  const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  if (picture) {
    await page.screenshot({ path: `${picture}-light.png`, fullPage: true });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: `${picture}-dark.png`, fullPage: true });
  }
  const outside = requests.filter((url) => url !== target && !url.startsWith("data:"));
  console.log(JSON.stringify({ charts, errors, outside, wide, surprise, ...interaction }));
} finally {
  await browser.close();
}
