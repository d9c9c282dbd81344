/**
 * A text of 1 GB trains in less than 1 GB of memory: `deno run -A tests/data/gigabyte.ts [--bytes 1e9] [--packed]`. Writes a text
 * of made-up words (`--packed`: as .gz), runs a small study on it twice, the second time with the tokens in the cache, and prints
 * the largest memory and the seconds of both. Exit code 1 where a process had more than 1 GB. Linux only: it reads /proc.
 */
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { parseArgs } from "node:util";
import { at } from "../../core/lists.ts";
import { randomInteger } from "../../core/random.ts";
import { makePlace, start } from "../cli/command_line.ts";

const { values } = parseArgs({ options: { bytes: { type: "string", default: "1e9" }, packed: { type: "boolean" } } });
const BYTES = Number(values.bytes), MOST = 1e9;

/** Lines of random words with a growing number in front, so that no two megabytes are equal. */
function* lines(): Generator<Uint8Array> {
  const counter = { seed: 5, stream: 100, step: 0 }, encoder = new TextEncoder();
  let index = 0, written = 0;
  const pick = (list: ArrayLike<string>) => at(list, randomInteger(counter, index++, list.length));
  const words = Array.from(
    { length: 3000 },
    () => Array.from({ length: 3 }, () => pick("bdfgklmnprst") + pick("aeiou")).join(""),
  );
  const phrases = Array.from({ length: 4096 }, () => Array.from({ length: 12 }, () => pick(words)).join(" "));
  for (let number = 0; written < BYTES;) {
    let block = "";
    while (block.length < 2 ** 20) block += `${number++} ${pick(phrases)} ${pick(words)}.\n`;
    const bytes = encoder.encode(block.slice(0, BYTES - written));
    written += bytes.length;
    yield bytes;
  }
}

async function writeText(path: string): Promise<void> {
  const plain = ReadableStream.from(lines()), file = await Deno.create(path);
  if (!values.packed) return await plain.pipeTo(file.writable);
  const packed = Readable.fromWeb(plain as import("node:stream/web").ReadableStream).pipe(createGzip({ level: 1 }));
  await (Readable.toWeb(packed) as ReadableStream<Uint8Array>).pipeTo(file.writable);
}

/** The most memory that a process has had so far (bytes); undefined when it has ended. */
async function peakOf(pid: number): Promise<number | undefined> {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`)) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** smoke reads only the start of a text, unless it is told to read all. The last ten-thousandth is for validation. */
const STUDY = [
  ...["--preset", "smoke", "--backend", "cpu", "--models", "mamba", "--steps", "20", "--orpo-steps", "2"],
  ...["recall.probe=false", `data.characters=${BYTES}`, "data.trainFraction=0.9999"].flatMap((
    words,
  ) => ["--set", words]),
];

const place = await makePlace(), text = join(place.folder, values.packed ? "large.txt.gz" : "large.txt");
try {
  await writeText(text);
  let most = 0;
  for (const out of ["first", "second"]) {
    const begun = performance.now();
    const child = start(place, ["ablate", ...STUDY, "--data", text, "--out", out]);
    const said = Promise.all([child.stdout.cancel(), new Response(child.stderr).text()]);
    let peak = 0, ended = false;
    const ending = child.status.finally(() => ended = true);
    while (!ended) {
      peak = Math.max(peak, await peakOf(child.pid) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { code } = await ending, [, error] = await said;
    if (code !== 0) throw new Error(error);
    most = Math.max(most, peak);
    const { data: { trainTokens } } = JSON.parse(await Deno.readTextFile(join(place.folder, out, "run.json")));
    if (trainTokens < BYTES / 20) throw new Error(`only ${trainTokens} tokens of ${BYTES} bytes were read`);
    console.log(
      `${out}: ${trainTokens} tokens, at most ${(peak / 1e6).toFixed(0)} MB, ${
        ((performance.now() - begun) / 1000).toFixed(0)
      } s`,
    );
  }
  if (most > MOST) Deno.exitCode = 1;
} finally {
  await Deno.remove(place.folder, { recursive: true });
}
