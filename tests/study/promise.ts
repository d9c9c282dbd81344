/**
 * Whether the time left keeps its promise: runs small studies of shapes on which the interval was not fitted, reads what they say
 * of the time left, and compares it with the time that they then took.
 *
 *     deno run -A tests/study/promise.ts [FIRST [COUNT]]     which of the studies, all by default
 *
 * Prints a line of JSON for each study: the share of what was said that held, and how wide the intervals were.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Studies that differ from the recorded ones in models, sizes, lengths, seeds, corpus and what is compared. */
const STUDIES = [
  "--suite fusion --width 48 --steps 70",
  "--seeds 2 --models hymba,mamba --length 80 --steps 25",
  "--suite frontier --steps 12 --threads 1",
  "--data moby-dick --models samba,mamba --steps 150 --rejected corrupt",
  "--suite factorial --steps 10 --layers 3",
  "--suite decompose --orpo-steps 8 --batch 6",
  "--suite roadmap --vocab 300 --steps 60",
  "--match parameters --models mamba,hymba,transformer-global --seeds 2 --steps 15",
  "--width 112 --models falcon-h1,transformer-local --steps 100",
  "--models hybrid-sequential --seeds 3 --steps 90 --orpo-steps 30",
] as const;

const UNITS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86400 };

/** Seconds of a duration as progress prints it: `36 s`, `2 min 5 s`, `1 h 3 min`. */
const secondsOf = (text: string): number =>
  [...text.matchAll(/([\d.]+) (s|min|h|d)\b/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ""] ?? NaN),
    0,
  );

/** Half of the last digit of a printed duration: what rounding may have taken or added. */
const roundingOf = (text: string): number => text.includes("min") ? 30 : 0.5;

/** Complete lines of a stream. */
async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The interval in a line of progress, in seconds; undefined for another line. */
function intervalOf(line: string): [low: number, high: number] | undefined {
  const [, left = ""] = /left="\d+ % of the study, ([^"]*)"/.exec(line) ?? [];
  const [from, to] = left.replace(/^about | left$/g, "").split(" to ");
  if (!from) return undefined;
  return [secondsOf(from) - roundingOf(from), secondsOf(to ?? from) + roundingOf(to ?? from)];
}

async function runOne(words: string): Promise<void> {
  const out = join(await Deno.makeTempDir(), "run"), begun = performance.now();
  const args = [
    "run",
    "-A",
    "--no-check",
    MAIN,
    "ablate",
    "--preset",
    "smoke",
    "--backend",
    "cpu",
    "--out",
    out,
    ...words.split(" "),
  ];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" }).spawn();
  const said: { at: number; low: number; high: number }[] = [], other: string[] = [];
  for await (const line of linesOf(child.stderr)) {
    const interval = intervalOf(line), at = (performance.now() - begun) / 1000;
    if (interval) said.push({ at, low: interval[0], high: interval[1] });
    else other.push(line);
  }
  const { code } = await child.status, end = (performance.now() - begun) / 1000;
  if (code !== 0) throw new Error(`${words}: ended with ${code}\n${other.slice(-5).join("\n")}`);
  // The last second is about rounding.
  const told = said.filter(({ at }) => end - at >= 1);
  const held = told.filter(({ at, low, high }) => low <= end - at && end - at <= high);
  const widths = told.map(({ low, high }) => high / Math.max(1, low)).toSorted((a, b) => a - b);
  const first = told[0] && [told[0].low, Math.round(end - told[0].at), told[0].high];
  console.log(JSON.stringify({
    ...{ words, seconds: Math.round(end), said: told.length, held: held.length, first },
    width: Number((widths[widths.length >> 1] ?? NaN).toFixed(1)),
  }));
  await Deno.remove(join(out, ".."), { recursive: true });
}

const first = Number(Deno.args[0] ?? 0), count = Number(Deno.args[1] ?? STUDIES.length);
for (const words of STUDIES.slice(first, first + count)) await runOne(words);
