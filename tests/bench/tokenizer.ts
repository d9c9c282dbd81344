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
import { Tokenizer, trainTokenizer } from "../../core/tokenizer/mod.ts";
import { corpus, oracles } from "../tokenizer/oracles.ts";
import { logLikelihoodPerCharacter } from "../tokenizer/quality.ts";

const ROUNDS = 9, SELF = fileURLToPath(import.meta.url);
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const SPM = ["--add_dummy_prefix=false", "--normalization_rule_name=identity", "--remove_extra_whitespaces=false"];
const TRAIN = { vocabSize: 4000, byteFallback: true, normalization: "identity" } as const;

/** One line of a table. */
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const percent = (ratio: number): string => `${(100 * ratio - 100).toFixed(2)} %`;
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
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
      return own.length === each.nbest4.length && own.every((one, i) => same(one.ids, each.nbest4[i]!));
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
    const options = { ...TRAIN, vocabSize: tokenizer.vocabSize, byteFallback: tokenizer.vocabulary.byteFallback };
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

async function work(kind: string, [input, model]: string[]): Promise<void> {
  const text = await Deno.readTextFile(input!);
  const tokenizer = kind === "encode" ? Tokenizer.fromModelBytes(await Deno.readFile(model!)) : undefined;
  const start = performance.now();
  if (tokenizer) tokenizer.encode(text);
  else trainTokenizer(text, TRAIN);
  const seconds = (performance.now() - start) / 1000;
  const peak = /VmHWM:\s*(\d+) kB/.exec(await Deno.readTextFile("/proc/self/status"))![1];
  console.log(JSON.stringify({ seconds, peakMegabytes: Number(peak) / 1024 }));
}

async function speed(text: string): Promise<void> {
  const folder = await Deno.makeTempDir(),
    input = `${folder}/input.txt`,
    empty = `${folder}/empty.txt`,
    many = `${folder}/many.txt`;
  await Deno.writeTextFile(input, text);
  await Deno.writeTextFile(empty, "");
  await Deno.writeTextFile(many, text.repeat(20));
  const ours = ["run", "-A", "--no-check", MAIN, "tokenizer"],
    times: Record<string, number[]> = {},
    peaks: number[] = [];
  const note = (name: string, value: number) => (times[name] ??= []).push(value);
  const spmTrain = [`--input=${input}`, `--model_prefix=${folder}/spm`, "--vocab_size=4000", "--num_threads=1", ...SPM];
  spmTrain.push("--byte_fallback=true", "--character_coverage=1", "--user_defined_symbols=\n", "--minloglevel=1");
  const train = ["train", "--input", input, "--vocab-size", "4000", "--byte-fallback", "--normalization", "identity"];
  const spmEncode = [`--model=${folder}/spm.model`, "--output_format=id"];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      note("spm train", await seconds("spm_train", spmTrain));
      note("train", await seconds(Deno.execPath(), [...ours, ...train, "--out", `${folder}/ours`]));
      const trained = await inside("train", [input]);
      note("train inside", trained.seconds);
      note("spm encode", await seconds("spm_encode", spmEncode, { input }));
      note("spm start", await seconds("spm_encode", spmEncode, { input: empty }));
      const encode = [...ours, "encode", "--model", `${folder}/spm.model`];
      note("encode", await seconds(Deno.execPath(), encode, { input }));
      for (const [where, output] of [["file", `${folder}/ids.txt`], ["nowhere", "/dev/null"]] as const) {
        note(`spm encode ${where}`, await secondsInto(output, "spm_encode", { args: spmEncode, input }));
        note(`encode ${where}`, await secondsInto(output, Deno.execPath(), { args: encode, input }));
      }
      note("start", await seconds(Deno.execPath(), encode, { input: empty }));
      note("deno start", await seconds(Deno.execPath(), ["eval", ""]));
      note("spm encode 20", await seconds("spm_encode", spmEncode, { input: many }));
      note("encode 20", await seconds(Deno.execPath(), encode, { input: many }));
      const encoded = await inside("encode", [input, `${folder}/spm.model`]);
      note("encode inside", encoded.seconds);
      peaks.push(trained.peakMegabytes, encoded.peakMegabytes);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const least = (name: string) => Math.min(...times[name]!), of = (name: string) => median(times[name]!);
  const line = (what: string, own: string, theirs: string, less?: string) => {
    const cells = [least, of].flatMap((take) => {
      const [a, b] = [take(own), take(theirs) - (less ? take(less) : 0)];
      return [a.toFixed(3), b.toFixed(3), (a / b).toFixed(2)];
    });
    console.log(row([what, ...cells]));
  };
  console.log(
    `\n| one thread, seconds | ours, least of ${ROUNDS} | SentencePiece | ratio | ours, median | SentencePiece | ratio |`,
  );
  console.log("|---|---|---|---|---|---|---|");
  line("train 4000, whole process", "train", "spm train");
  line("train 4000, the work", "train inside", "spm train");
  line("encode the corpus, the work (theirs: less start and loading)", "encode inside", "spm encode", "spm start");
  line("encode the corpus, whole process, into a pipe", "encode", "spm encode");
  line("the same into a file", "encode file", "spm encode file");
  line("the same, output thrown away", "encode nowhere", "spm encode nowhere");
  line("encode nothing: start, loading, end", "start", "spm start");
  line("encode twenty times the corpus, whole process", "encode 20", "spm encode 20");
  console.log(`\nDeno alone starts and ends in ${of("deno start").toFixed(3)} seconds`);
  console.log(`peak memory of our processes: ${Math.max(...peaks).toFixed(0)} MB`);
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
