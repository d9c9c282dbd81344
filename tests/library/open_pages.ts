/**
 * Opens pages in headless Chromium and prints, as one line of JSON, what each leaves in `globalThis.result`:
 * `deno run -A --no-lock open_pages.ts CHROMIUM ADDRESS…`.
 */
import { withBrowser } from "../browser_driver.ts";

const [executablePath = "", ...addresses] = Deno.args;
const results = await withBrowser(executablePath, { gpu: true }, async (open) => {
  const found: unknown[] = [];
  for (const address of addresses) {
    const { page, said } = await open(address);
    const ended = page.waitForFunction("globalThis.result", undefined, { timeout: 60_000 });
    const result = await ended.then(() => page.evaluate("result"), (problem) => ({ problem: String(problem) }));
    found.push({ result, said });
  }
  return found;
});
console.log(JSON.stringify(results));
