/**
 * Opens the page of a run in headless Chromium and uses it: `deno run -A use_page.ts CHROMIUM ADDRESS PICTURES PARTS`, where PICTURES
 * is a path without an ending, or "-", and PARTS is "all", or "write" to write only, on the processor. Prints one line of JSON.
 */
import { type Page, withBrowser } from "../browser_driver.ts";

const AXE = "npm:axe-core@4.14.1";
/** Longest that something on the page may take on a busy machine (ms). */
const PATIENCE = 120_000;
const ARMS = 5, TOKENS = 12, TEXT = "the sun and moon";

/** The texts of all models on the given device, by model. */
async function written(page: Page, where: "webgpu" | "cpu"): Promise<Record<string, unknown>> {
  await page.getByLabel("computed").selectOption(where);
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await page.locator(".column[data-done] >> nth=" + (ARMS - 1)).waitFor({ timeout: PATIENCE });
  const texts: Record<string, string | null> = {}, statuses: string[] = [];
  for (const column of await page.locator(".column").all()) {
    texts[await column.getAttribute("data-arm") ?? ""] = await column.locator(".tokens").textContent();
    statuses.push(await column.locator(".status").innerText());
  }
  return { texts, statuses, computer: await page.locator("#computer").innerText() };
}

/** Fills the form of the models that write. */
async function fillIn(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Write" }).click();
  await page.getByLabel("Prompt").fill("the sun ");
  await page.getByLabel("tokens", { exact: true }).fill(String(TOKENS));
  await page.getByLabel("seed", { exact: true }).fill("7");
}

/** The parts that write, on both kinds of engines. */
async function useWrite(page: Page): Promise<Record<string, unknown>> {
  await fillIn(page);
  const cpu = await written(page, "cpu"), tokens = page.locator(".column .tokens").first();
  await tokens.focus();
  for (const key of ["ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  const readout = page.locator(".column .readout").first(), byKey = await readout.innerText();
  await tokens.locator("span").nth(4).hover();
  const byMouse = await readout.innerText();
  return { cpu, webgpu: await written(page, "webgpu"), byKey, byMouse };
}

/** The words on the element that has the focus. */
const focusedText = (page: Page) => page.evaluate<string>("document.activeElement.innerText");

/** A text that is longer than the reader wants; and which button has the focus while it is written and after it was stopped. */
async function stopIt(page: Page): Promise<{ status: string; focused: string[] }> {
  await page.getByRole("link", { name: "Write" }).click();
  await page.getByLabel("tokens", { exact: true }).fill("4096");
  await page.getByLabel("computed").selectOption("cpu");
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await page.locator(".column .tokens span >> nth=5").waitFor({ timeout: PATIENCE });
  const focused = [await focusedText(page)];
  await page.getByRole("button", { name: "Stop", exact: true }).press("Enter");
  await page.locator(".column[data-done] >> nth=" + (ARMS - 1)).waitFor({ timeout: PATIENCE });
  focused.push(await focusedText(page));
  return { status: await page.locator(".column .status").first().innerText(), focused };
}

/** A part that looks into the models: fills its text in, asks, and moves with the keyboard alone. */
async function lookInto(
  page: Page,
  part: "Attention" | "States" | "Surprise",
  keys: readonly string[],
): Promise<string[]> {
  await page.getByRole("link", { name: part }).click();
  // By name, because right after the click the previous part may still be visible.
  const tool = page.locator(`[data-tool=${part.toLowerCase()}]:not([hidden])`);
  await tool.locator("textarea").fill(TEXT);
  await tool.locator("button").press("Enter");
  const place = tool.locator("[role=application], [role=textbox]").first();
  await place.waitFor({ timeout: PATIENCE });
  for (const key of keys) await place.press(key);
  return [await tool.locator(".readout").first().innerText(), await tool.locator("h2, tbody").first().innerText()];
}

/** What axe-core finds wrong: rules and the elements that break them. */
async function violations(page: Page, source: string): Promise<string[]> {
  await page.evaluate(`${source}; undefined`);
  return await page.evaluate<string[]>(
    "axe.run(document, { iframes: false }).then(({ violations }) => " +
      "violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)))",
  );
}

interface Look {
  readonly violations: readonly string[];
  /** Pixels by which the page is wider than its window. */
  readonly wide: number;
}

/** Every colour and every width, each once for every part. */
const LOOKS = [["light", "desk", 1280, 900], ["dark", "phone", 390, 844]] as const;

/** Looks at every part, light on a desk and dark on a phone. */
async function lookAround(page: Page, { picture, source }: { picture: string; source: string }) {
  const looks: Record<string, Look> = {};
  for (const part of await page.locator("nav a").all()) {
    const name = await part.innerText();
    await part.click();
    for (const [colorScheme, device, width, height] of LOOKS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      const label = `${name} ${colorScheme} ${device}`;
      looks[label] = { violations: await violations(page, source), wide };
      if (picture === "-") continue;
      await page.screenshot({ path: `${picture}-${label.replaceAll(" ", "-")}.png`, fullPage: true });
    }
  }
  return looks;
}

/** Everything that a reader can do. */
async function useAll(page: Page, picture: string): Promise<Record<string, unknown>> {
  const { default: { source } } = await import(AXE), stopped = await stopIt(page), write = await useWrite(page);
  const attention = await lookInto(page, "Attention", [
    "ArrowDown",
    "ArrowDown",
    "ArrowDown",
    "ArrowDown",
    "ArrowRight",
  ]);
  const states = await lookInto(page, "States", ["ArrowDown", "ArrowDown", "ArrowRight"]);
  const surprise = await lookInto(page, "Surprise", ["ArrowRight", "ArrowRight"]);
  return { write, stopped, attention, states, surprise, looks: await lookAround(page, { picture, source }) };
}

/** Only what needs the engine on the processor. */
async function useLittle(page: Page): Promise<Record<string, unknown>> {
  await fillIn(page);
  return { write: { cpu: await written(page, "cpu") } };
}

const [executablePath = "", address = "", picture = "-", parts = "all"] = Deno.args;
const found = await withBrowser(executablePath, { gpu: true }, async (open) => {
  const { page, errors, requests } = await open(address);
  await page.locator("table tbody tr").nth(ARMS - 1).waitFor({ timeout: PATIENCE });
  const seen = await (parts === "all" ? useAll(page, picture) : useLittle(page));
  const outside = requests.filter((url) => !url.startsWith(address) && !url.startsWith("data:"));
  return { errors, outside, ...seen };
});
console.log(JSON.stringify(found));
