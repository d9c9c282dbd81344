/** The driver of headless Chromium: the types of the members that the scripts use, and a function that opens pages. */
const DRIVER = "npm:playwright-core@1.65.1";

/** Elements of a page. */
export interface Locator {
  all(): Promise<Locator[]>;
  count(): Promise<number>;
  nth(index: number): Locator;
  first(): Locator;
  locator(selector: string): Locator;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  focus(): Promise<void>;
  hover(options?: { position: { x: number; y: number } }): Promise<void>;
  press(key: string): Promise<void>;
  innerText(): Promise<string>;
  textContent(): Promise<string | null>;
  getAttribute(name: string): Promise<string | null>;
  selectOption(option: string | { index: number }): Promise<unknown>;
  waitFor(options?: { timeout?: number }): Promise<void>;
  evaluate<T>(run: (element: { toDataURL(): string }) => T): Promise<T>;
}

interface Message {
  type(): string;
  text(): string;
  url(): string;
  message: string;
}

/** A tab of the browser. */
export interface Page {
  readonly keyboard: { press(key: string): Promise<void> };
  on(event: "console" | "pageerror" | "request", handle: (message: Message) => void): void;
  goto(address: string): Promise<unknown>;
  locator(selector: string): Locator;
  getByRole(role: string, options: { name: string | RegExp; exact?: boolean }): Locator;
  getByLabel(name: string | RegExp, options?: { exact?: boolean }): Locator;
  emulateMedia(options: { colorScheme?: "dark" | "light"; media?: "print" | "screen" }): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  waitForFunction(test: string, argument: undefined, options: { timeout: number }): Promise<unknown>;
  evaluate<T>(expression: string): Promise<T>;
}

interface Driver {
  chromium: {
    launch(options: { executablePath: string; args: string[] }): Promise<{
      newPage(options: { viewport: { width: number; height: number } }): Promise<Page>;
      close(): Promise<void>;
    }>;
  };
}

/** A page that records its errors and requests. */
export interface OpenPage {
  readonly page: Page;
  readonly errors: readonly string[];
  /** All messages of the console and all errors. */
  readonly said: readonly string[];
  readonly requests: readonly string[];
}

/** Opens pages in Chromium while `use` runs. `gpu`: Chromium's own software adapter, so that every machine has WebGPU. */
export async function withBrowser<T>(
  executablePath: string,
  { gpu }: { gpu: boolean },
  use: (open: (address: string) => Promise<OpenPage>) => Promise<T>,
): Promise<T> {
  const { chromium } = await import(DRIVER) as Driver;
  const adapter = gpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : ["--disable-gpu"];
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...adapter] });
  try {
    return await use(async (address) => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
      const errors: string[] = [], said: string[] = [], requests: string[] = [];
      page.on("console", (message) => {
        said.push(message.text());
        if (message.type() === "error") errors.push(message.text());
      });
      page.on("pageerror", ({ message }) => {
        said.push(message);
        errors.push(message);
      });
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(address);
      return { page, errors, said, requests };
    });
  } finally {
    await browser.close();
  }
}
