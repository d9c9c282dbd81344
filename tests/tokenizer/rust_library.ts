/** Hugging Face's Rust library, asked through a process of its own (`rust_client.ts`). */
import { fileURLToPath } from "node:url";
import { TextLineStream } from "./lines.ts";

/** What the library makes of a text. */
export interface RustTokens {
  ids: number[];
  decoded: string;
  /** Start and end of each token in the text, in characters. */
  offsets: [number, number][];
}

const SCRIPT = fileURLToPath(new URL("rust_client.ts", import.meta.url));

/** The library in a process that is started with the first question. */
export class RustLibrary {
  #child: Deno.ChildProcess | undefined;
  #answers: ReadableStreamDefaultReader<string> | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  #asked = 0;

  /** @param renewAfter Questions after which a fresh process is started: Deno keeps some bytes of every native object. */
  constructor(private readonly renewAfter = 2000) {}

  /** What each text becomes; with `skipsSpecial` special tokens are not decoded. `{ refused }` where the library does not take the file. Undefined, with the reason printed, without the library. */
  async ask(
    json: string,
    texts: readonly string[],
    { skipsSpecial = false } = {},
  ): Promise<RustTokens[] | { refused: string } | undefined> {
    if (this.#asked++ % this.renewAfter === 0) await this.close();
    if (!this.#child) this.#start();
    const question = new TextEncoder().encode(`${JSON.stringify({ json, texts, skipsSpecial })}\n`);
    await this.#writer?.write(question).catch(() => {});
    const answer = await this.#answers?.read();
    if (answer?.value !== undefined) return JSON.parse(answer.value);
    const said = await new Response(this.#child?.stderr).text();
    if (!/npm package|npm registry|registry\.|error sending request|native binding/i.test(said)) throw new Error(said);
    console.log(`skipped: Hugging Face's library cannot be fetched: ${said.split("\n")[0]}`);
    return undefined;
  }

  #start(): void {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-lock", SCRIPT],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#answers = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Ends the process. */
  async close(): Promise<void> {
    if (!this.#child) return;
    await this.#writer?.close().catch(() => {});
    await this.#answers?.cancel();
    await this.#child.stderr.cancel().catch(() => {});
    await this.#child.status;
    this.#child = undefined;
  }
}
