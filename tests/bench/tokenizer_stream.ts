/**
 * Pipes a large text through `tokenizer encode | tokenizer decode` and prints the peak memory of both:
 *
 *     deno run -A tests/bench/tokenizer_stream.ts [MEGABYTES, by default 1024]
 *
 * The text is Tiny Shakespeare, repeated, as one text (`--whole`). The output must equal the input. On Linux peaks are VmHWM.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { at } from "../../core/lists.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { corpus } from "../tokenizer/oracles.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url)), POLL_MS = 100;
const text = corpus();
if (text === undefined) Deno.exit(1);
const block = new TextEncoder().encode(text), wanted = Number(Deno.args[0] ?? 1024) * 2 ** 20;
const model = await Deno.makeTempFile({ suffix: ".model" });
await Deno.writeFile(model, trainTokenizer(text, { vocabSize: 4000 }).toModelBytes());

function start(command: string): Deno.ChildProcess {
  const args = ["run", "-A", "--no-check", MAIN, "tokenizer", command, "--model", model, "--whole"];
  return new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
}

/** Peak memory of a process (MB), read repeatedly until it ends. */
async function peakOf(child: Deno.ChildProcess): Promise<number> {
  let peak = 0, ended = false;
  child.status.then(() => ended = true);
  while (!ended) {
    const status = await Deno.readTextFile(`/proc/${child.pid}/status`).catch(() => "");
    peak = Math.max(peak, Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (!(await child.status).success) throw new Error("the tokenizer failed");
  return peak;
}

let given = 0, idBytes = 0, back = 0;
const before = createHash("sha256"), after = createHash("sha256"), started = performance.now();
const encode = start("encode"), decode = start("decode"), peaks = [peakOf(encode), peakOf(decode)];
const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
  pull(controller) {
    const part = block.subarray(0, Math.min(block.length, wanted - given));
    if (part.length === 0) return controller.close();
    given += part.length;
    before.update(part);
    controller.enqueue(part.slice());
  },
});
const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
  transform(part, controller) {
    idBytes += part.length;
    controller.enqueue(part);
  },
});
const feeding = source.pipeTo(encode.stdin), passing = encode.stdout.pipeThrough(counted).pipeTo(decode.stdin);
for await (const part of decode.stdout) {
  back += part.length;
  after.update(part);
}
await Promise.all([feeding, passing]);
const megabytes = await Promise.all(peaks);
await Deno.remove(model);
const same = back === given && before.digest("hex") === after.digest("hex");
console.log(
  `${given} bytes of text, ${idBytes} bytes of ids, ${back} bytes of text again, ${same ? "the same" : "DIFFERENT"}; ` +
    `${((performance.now() - started) / 1000).toFixed(0)} s; encode ${at(megabytes, 0).toFixed(0)} MB, decode ${
      at(megabytes, 1).toFixed(0)
    } MB of memory at most`,
);
if (!same) Deno.exit(1);
