/**
 * Renders the figures and pages of a run as readers meet them, to look at: each figure at the width of a printed page, at half of it,
 * and both in grey; each page light, dark, in grey, at half size and in print.
 *
 *     deno run -A tests/report/looks.ts RUN FOLDER
 *
 * Prints the paths of the pictures. Needs Chromium and the network or a cache for its driver.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromiumPath } from "../browser.ts";
import { type Page, withBrowser } from "../browser_driver.ts";

/** Width of the text of a printed A4 page at 96 pixels an inch: 17 cm. */
const PRINTED = 642;
const GREY = "document.documentElement.style.filter = 'grayscale(1)'";

const addressOf = (path: string): string => pathToFileURL(path).href;

/** A page with one figure at both sizes, in colour and in grey. */
function sheetOf(source: string): string {
  const one = (width: number, filter: string) => `<img src="${source}" style="width:${width}px;filter:${filter}">`;
  const row = (filter: string) => `<div>${one(PRINTED, filter)} ${one(PRINTED / 2, filter)}</div>`;
  return `<body style="margin:8px">${row("none")}${row("grayscale(1)")}`;
}

/** How a page is looked at: the scheme of colours, the width of the window, the medium and what is done before. */
const LOOKS = [
  ["light", { colorScheme: "light" }, 1280, ""],
  ["dark", { colorScheme: "dark" }, 1280, ""],
  ["grey", { colorScheme: "light" }, 1280, GREY],
  ["half", { colorScheme: "light" }, 1280, "document.body.style.zoom = '0.5'"],
  ["print", { colorScheme: "light", media: "print" }, 794, ""],
] as const;

async function lookAt(page: Page, base: string): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, media, width, script] of LOOKS) {
    await page.emulateMedia({ media: "screen", ...media });
    await page.setViewportSize({ width, height: 1100 });
    await page.evaluate(`document.documentElement.style.filter = document.body.style.zoom = ""; ${script}`);
    const path = `${base}-${name}.png`;
    await page.screenshot({ path, fullPage: true });
    paths.push(path);
  }
  return paths;
}

const [run, folder] = Deno.args;
if (run === undefined || folder === undefined) throw new Error("give the folder of a run, and one for the pictures");
const chromium = await chromiumPath();
if (chromium === undefined) Deno.exit(1);
await Deno.mkdir(folder, { recursive: true });
await withBrowser(chromium, { gpu: false }, async (open) => {
  for (const name of [...Deno.readDirSync(run)].map(({ name }) => name).sort()) {
    const base = join(folder, name.replace(/\.\w+$/, ""));
    if (name.endsWith(".png")) {
      const sheet = await Deno.makeTempFile({ suffix: ".html" });
      await Deno.writeTextFile(sheet, sheetOf(addressOf(await Deno.realPath(join(run, name)))));
      const { page } = await open(addressOf(sheet));
      await page.setViewportSize({ width: PRINTED * 1.5 + 40, height: 400 });
      await page.screenshot({ path: `${base}.png`, fullPage: true });
      await Deno.remove(sheet);
      console.log(`${base}.png`);
    } else if (name.endsWith(".html")) {
      const { page } = await open(addressOf(await Deno.realPath(join(run, name))));
      for (const path of await lookAt(page, base)) console.log(path);
    }
  }
});
