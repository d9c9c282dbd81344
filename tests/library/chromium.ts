/**
 * Opens pages in headless Chromium and prints, as one line of JSON, what each leaves in `globalThis.result`:
 * `deno run -A --no-lock chromium.ts CHROMIUM ADDRESS…`. A process of its own, because the driver is not among the packages of the lock.
 */
const DRIVER = "npm:playwright-core@1.65.1";

interface Page {
  on(event: "console" | "pageerror", handle: (message: { text?(): string; message?: string }) => void): void;
  goto(address: string): Promise<unknown>;
  waitForFunction(test: string, argument: undefined, options: { timeout: number }): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
}

interface Driver {
  chromium: {
    launch(options: { executablePath: string; args: string[] }): Promise<
      { newPage(): Promise<Page>; close(): Promise<void> }
    >;
  };
}

const [executablePath = "", ...addresses] = Deno.args;
const { chromium } = await import(DRIVER) as Driver;
// Chromium's own software adapter, so that WebGPU is there on every machine.
const args = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const browser = await chromium.launch({ executablePath, args }), results: unknown[] = [];
try {
  for (const address of addresses) {
    const page = await browser.newPage(), said: string[] = [];
    page.on("console", (message) => said.push(message.text?.() ?? ""));
    page.on("pageerror", ({ message = "" }) => said.push(message));
    await page.goto(address);
    const ended = page.waitForFunction("globalThis.result", undefined, { timeout: 60_000 });
    const result = await ended.then(() => page.evaluate("result"), (problem) => ({ problem: String(problem) }));
    results.push({ result, said });
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(results));
