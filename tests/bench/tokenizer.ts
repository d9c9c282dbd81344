/**
 * Compares the tokenizer with SentencePiece: parity, quality and speed, as three tables.
 *
 *     deno run -A tests/bench/tokenizer.ts
 *
 * It needs the corpus; speed also needs the Debian package `sentencepiece`. Both sides run with one thread, in new processes, in
 * turns, nine times each. Minima and medians are printed. If ids differ, no speed is printed.
 * `deno run -A tests/bench/tokenizer.ts speed` prints only the last table.
 */
import { fileURLToPath } from "node:url";
import { at, present } from "../../core/lists.ts";
import { insideOf, Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { corpus, oracles } from "../tokenizer/oracles.ts";
import { logLikelihoodPerCharacter } from "../tokenizer/quality.ts";

const ROUNDS = 9, SELF = fileURLToPath(import.meta.url);
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const SPM = ["--add_dummy_prefix=false", "--normalization_rule_name=identity", "--remove_extra_whitespaces=false"];
const TRAIN = { vocabSize: 4000, byteFallback: true, normalization: "identity" } as const;

/** One line of a table. */
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const percent = (ratio: number): string => `${(100 * ratio - 100).toFixed(2)} %`;
const median = (values: number[]): number => at(values.toSorted((a, b) => a - b), Math.floor(values.length / 2));
const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => {
  return a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);
};

function parity(text: string): void {
  console.log("\n| model | texts | ids | decoded | 4 best | whole corpus |\n|---|---|---|---|---|---|");
  for (const { name, tokenizer, cases, whole } of oracles()) {
    const ids = cases.filter((each) => same(tokenizer.encode(each.text), each.ids)).length;
    const decoded = cases.filter((each) => tokenizer.decode(each.ids) === each.decoded).length;
    const listed = cases.filter(({ nbest4 }) => nbest4.length > 0);
    const best = listed.filter((each) => {
      const own = tokenizer.encodeNBest(each.text, 4);
      return own.length === each.nbest4.length && own.every((one, i) => same(one.ids, at(each.nbest4, i)));
    }).length;
    const all = whole === undefined
      ? "not here"
      : same(tokenizer.encode(text), whole)
      ? `${whole.length} equal`
      : "differs";
    console.log(row([name, cases.length, ids, decoded, `${best} of ${listed.length}`, all]));
    if (ids !== cases.length || all === "differs") throw new Error(`${name}: ids differ; no speed is worth printing`);
  }
}

function quality(text: string): void {
  console.log(
    "\n| vocabulary | tokens, ours | SentencePiece | difference | ln p per character, ours | SentencePiece | loss |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const { name, tokenizer, whole } of oracles()) {
    if (whole === undefined || name === "uni4000_default") continue;
    const options = {
      ...TRAIN,
      vocabSize: tokenizer.vocabSize,
      byteFallback: insideOf(tokenizer).vocabulary.byteFallback,
    };
    const ours = trainTokenizer(text, options), tokens = ours.encode(text).length;
    const [own, theirs] = [ours, tokenizer].map((each) => logLikelihoodPerCharacter(each, text)) as [number, number];
    const cells = [ours.vocabSize, tokens, whole.length, percent(tokens / whole.length)];
    console.log(row([...cells, own.toFixed(5), theirs.toFixed(5), percent(own / theirs)]));
  }
}

/** Time of a process, including its start and end (s). */
async function seconds(program: string, args: string[], { input, environment }: {
  input?: string;
  environment?: Record<string, string>;
} = {}): Promise<number> {
  const source = input === undefined ? undefined : await Deno.open(input);
  const start = performance.now();
  const child = new Deno.Command(program, {
    args,
    env: environment,
    stdin: source ? "piped" : "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const done = source ? source.readable.pipeTo(child.stdin) : Promise.resolve();
  await child.stdout.pipeTo(new WritableStream());
  const [{ code }] = await Promise.all([child.status, done]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
  return (performance.now() - start) / 1000;
}

/** The same with redirections of the shell, as in `encode < input.txt > ids.txt`: the program reads and writes the files directly. */
const secondsInto = (output: string, program: string, { args, input }: { args: string[]; input: string }) =>
  seconds("sh", ["-c", 'exec "$0" "$@" < "$INPUT" > "$OUTPUT"', program, ...args], {
    environment: { INPUT: input, OUTPUT: output },
  });

interface Work {
  seconds: number;
  peakMegabytes: number;
}

/** Time of the work without the start of the process. This file runs itself in a new process. */
async function inside(kind: "train" | "encode", args: string[]): Promise<Work> {
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", SELF, kind, ...args] });
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function work(kind: string, files: string[]): Promise<void> {
  const text = await Deno.readTextFile(at(files, 0));
  const tokenizer = kind === "encode" ? Tokenizer.fromModelBytes(await Deno.readFile(at(files, 1))) : undefined;
  const start = performance.now();
  if (tokenizer) tokenizer.encode(text);
  else trainTokenizer(text, TRAIN);
  const seconds = (performance.now() - start) / 1000;
  const peak = /VmHWM:\s*(\d+) kB/.exec(await Deno.readTextFile("/proc/self/status"));
  console.log(JSON.stringify({ seconds, peakMegabytes: Number(peak?.[1]) / 1024 }));
}

/** Values by name, one per round: seconds of each measurement, and the peak memory of our processes (MB). */
class Measurements {
  readonly times: Record<string, number[]> = {};
  readonly peaks: number[] = [];

  note(name: string, value: number): void {
    (this.times[name] ??= []).push(value);
  }

  noteWork(name: string, { seconds, peakMegabytes }: Work): void {
    this.note(name, seconds);
    this.peaks.push(peakMegabytes);
  }

  of(name: string): number[] {
    return present(this.times[name], `the time of ${name}`);
  }
}

/** The files of the speed measurement: the corpus, nothing, and the corpus twenty times. */
interface Inputs {
  readonly folder: string;
  readonly input: string;
  readonly empty: string;
  readonly many: string;
}

async function writeInputs(text: string): Promise<Inputs> {
  const folder = await Deno.makeTempDir();
  const inputs = { folder, input: `${folder}/input.txt`, empty: `${folder}/empty.txt`, many: `${folder}/many.txt` };
  await Deno.writeTextFile(inputs.input, text);
  await Deno.writeTextFile(inputs.empty, "");
  await Deno.writeTextFile(inputs.many, text.repeat(20));
  return inputs;
}

const OURS = ["run", "-A", "--no-check", MAIN, "tokenizer"];

async function trainRound(found: Measurements, { folder, input }: Inputs): Promise<void> {
  const theirs = [`--input=${input}`, `--model_prefix=${folder}/spm`, "--vocab_size=4000", "--num_threads=1", ...SPM];
  theirs.push("--byte_fallback=true", "--character_coverage=1", "--user_defined_symbols=\n", "--minloglevel=1");
  const ours = [...OURS, "train", "--input", input, "--out", `${folder}/ours`, "--vocab-size", "4000"];
  ours.push("--byte-fallback", "--normalization", "identity");
  found.note("spm train", await seconds("spm_train", theirs));
  found.note("train", await seconds(Deno.execPath(), ours));
  found.noteWork("train inside", await inside("train", [input]));
}

async function encodeRound(found: Measurements, { folder, input, empty, many }: Inputs): Promise<void> {
  const model = `${folder}/spm.model`, theirs = [`--model=${model}`, "--output_format=id"];
  const ours = [...OURS, "encode", "--model", model];
  for (const [suffix, text] of [["encode", input], ["start", empty], ["encode 20", many]] as const) {
    found.note(`spm ${suffix}`, await seconds("spm_encode", theirs, { input: text }));
    found.note(suffix, await seconds(Deno.execPath(), ours, { input: text }));
  }
  for (const [where, output] of [["file", `${folder}/ids.txt`], ["null", "/dev/null"]] as const) {
    found.note(`spm encode ${where}`, await secondsInto(output, "spm_encode", { args: theirs, input }));
    found.note(`encode ${where}`, await secondsInto(output, Deno.execPath(), { args: ours, input }));
  }
  found.note("deno start", await seconds(Deno.execPath(), ["eval", ""]));
  found.noteWork("encode inside", await inside("encode", [input, model]));
}

/** Lines of the table of speeds: title, our measurement, that of SentencePiece, and one to subtract from the latter. */
const LINES: readonly (readonly [string, string, string, string?])[] = [
  ["train 4000, whole process", "train", "spm train"],
  ["train 4000, without process start", "train inside", "spm train"],
  ["encode the corpus, without start and loading", "encode inside", "spm encode", "spm start"],
  ["encode the corpus, whole process, into a pipe", "encode", "spm encode"],
  ["the same into a file", "encode file", "spm encode file"],
  ["the same into /dev/null", "encode null", "spm encode null"],
  ["encode an empty text: start, loading, end", "start", "spm start"],
  ["encode twenty times the corpus, whole process", "encode 20", "spm encode 20"],
];

function printSpeed(found: Measurements): void {
  console.log(
    `\n| one thread, seconds | ours, best of ${ROUNDS} | SentencePiece | ratio | ours, median | SentencePiece | ratio |`,
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const [title, own, theirs, less] of LINES) {
    const cells = [(values: number[]) => Math.min(...values), median].flatMap((take) => {
      const a = take(found.of(own)), b = take(found.of(theirs)) - (less ? take(found.of(less)) : 0);
      return [a.toFixed(3), b.toFixed(3), (a / b).toFixed(2)];
    });
    console.log(row([title, ...cells]));
  }
  console.log(`\nDeno alone starts and ends in ${median(found.of("deno start")).toFixed(3)} seconds`);
  console.log(`peak memory of our processes: ${Math.max(...found.peaks).toFixed(0)} MB`);
}

async function speed(text: string): Promise<void> {
  const inputs = await writeInputs(text), found = new Measurements();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await trainRound(found, inputs);
      await encodeRound(found, inputs);
    }
  } finally {
    await Deno.remove(inputs.folder, { recursive: true });
  }
  printSpeed(found);
}

const [kind, ...args] = Deno.args;
if (kind === "train" || kind === "encode") await work(kind, args);
else {
  const text = corpus();
  if (text === undefined) Deno.exit(1);
  if (kind !== "speed") {
    parity(text);
    quality(text);
  }
  await speed(text);
}
