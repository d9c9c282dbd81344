/** decode.py as a process that answers each line with one line of JSON. */
import { fileURLToPath } from "node:url";

/** Variables of OpenBLAS and OpenMP as in run.ts, and the number of threads of both. */
function environment(threads: number): Record<string, string> {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _size, ...kept } = Deno.env.toObject();
  return { ...kept, OMP_WAIT_POLICY: "PASSIVE", OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
}

export class Torch {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor({ weights, config, threads }: { weights: string; config: string; threads: number }) {
    const script = fileURLToPath(new URL("decode.py", import.meta.url));
    this.#process = new Deno.Command("/usr/bin/python3", {
      args: [script, weights, config, "--threads", `${threads}`],
      env: environment(threads),
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = linesOf(this.#process.stdout);
  }

  /** The version of PyTorch, and for which processor its OpenBLAS has chosen its kernels. */
  static async about(): Promise<{ torch: string; blas_core: string }> {
    const { stdout } = await new Deno.Command("/usr/bin/python3", {
      args: [fileURLToPath(new URL("decode.py", import.meta.url)), "--about"],
      env: environment(1),
      clearEnv: true,
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  }

  async ask(line: string): Promise<unknown> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("decode.py ended");
    return JSON.parse(value);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#process.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
