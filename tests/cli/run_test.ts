import assert from "node:assert/strict";
import { join } from "node:path";
import { TextStream } from "../../core/infer/text_stream.ts";
import { ARTIFACTS } from "../../core/report/mod.ts";
import { Hymba } from "../../mod.ts";
import { hymba, makePlace, type Place, start } from "./command_line.ts";
import { QUICK } from "../thorough.ts";

const place = await makePlace();
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--orpo-steps", "2"];

/** The artifacts of this study: those of a frontier need its suite, equal costs need shorter trainings. */
const MADE = Object.values(ARTIFACTS).filter(({ file }) => !/^(frontier|equal_costs)\./.test(file));

let ablated: Promise<string> | undefined;
/** The folder of one small run of two models. It is trained once for all tests of this file. */
const trained = (): Promise<string> => ablated ??= ablate();

async function ablate(): Promise<string> {
  const folder = join(place.folder, "results/runs/both");
  const words = ["ablate", ...SMALL, "--models", "mamba,hymba", "--steps", "6", "--out", "results/runs/both", "--json"];
  const { code, out, error } = await hymba(place, ...words);
  assert.equal(code, 0, error);
  const { results, written: artifacts } = JSON.parse(out);
  assert.deepEqual(results.map(({ model }: { model: string }) => model), ["mamba", "hymba"]);
  assert.equal(artifacts.length, MADE.length + 1, "all artifacts, and the file of checksums");
  assert.match(error, /estimate: .* about/);
  assert.match(
    error,
    /^mamba seed 1 pretraining done=6\/6 model=1\/2 loss=\S+ tokens\/s=\d+ left="\d+ % of the study, .*"$/m,
  );
  return folder;
}

const sizeOf = async (path: string) => (await Deno.stat(path)).size;

Deno.test("ablate writes every artifact; the same command again writes them again without training", async () => {
  const folder = await trained();
  for (const { file } of MADE) assert.ok(await sizeOf(join(folder, file)) > 200, file);
  const before = await Deno.readTextFile(join(folder, "metrics.jsonl"));
  const words = ["ablate", ...SMALL, "--models", "mamba,hymba", "--steps", "6", "--out", "results/runs/both"];
  const { code, out, error } = await hymba(place, ...words);
  assert.equal(code, 0, error);
  assert.match(out, /^mamba .*\n.*^hymba .*\nunigram .*\nbigram /ms);
  assert.doesNotMatch(error, /done=/);
  assert.equal(await Deno.readTextFile(join(folder, "metrics.jsonl")), before);
});

Deno.test("ablate rejects a folder with another study and shows the difference", async () => {
  await trained();
  const words = ["ablate", ...SMALL, "--models", "mamba,hymba", "--steps", "7", "--out", "results/runs/both"];
  const { code, error } = await hymba(place, ...words);
  assert.equal(code, 2);
  assert.match(error, /holds another study[^]*study\.pretraining\.steps: 6 there, 7 now/);
});

Deno.test("commands for one artifact: by default of the newest run, into its folder, with the same bytes", async (t) => {
  const folder = await trained();
  const commands: [words: string[], files: string[]][] = [
    [
      ["csv"],
      [ARTIFACTS.csv, ARTIFACTS.comparisons, ARTIFACTS.preference, ARTIFACTS.recallCsv, ARTIFACTS.budgetsCsv].map((
        { file },
      ) => file),
    ],
    [["metrics"], [ARTIFACTS.metrics.file]],
    [["samples"], [ARTIFACTS.samples.file]],
    [["plot", "ablation"], [ARTIFACTS.ablation.file]],
    [["plot", "budgets"], [ARTIFACTS.budgets.file]],
    [["plot", "comparisons"], [ARTIFACTS.intervals.file]],
    [["plot", "recall"], [ARTIFACTS.recall.file]],
    [["plot", "stages"], [ARTIFACTS.stages.file]],
    [["attention"], [ARTIFACTS.attentionPretraining.file, ARTIFACTS.attentionOrpo.file]],
    [["attention", "--stage", "orpo"], [ARTIFACTS.attentionOrpo.file]],
    [["report"], [ARTIFACTS.report.file]],
  ];
  for (const [words, files] of commands) {
    await t.step(words.join(" "), async () => {
      const before = await Promise.all(files.map((file) => Deno.readFile(join(folder, file))));
      for (const file of files) await Deno.remove(join(folder, file));
      const { code, out, error } = await hymba(place, ...words);
      assert.equal(code, 0, error);
      assert.equal(out, files.map((file) => `wrote ${join("results/runs/both", file)}\n`).join(""));
      const after = await Promise.all(files.map((file) => Deno.readFile(join(folder, file))));
      assert.deepEqual(after, before);
    });
  }
});

Deno.test("attention draws any model on a reader's own text, and says what it cannot draw", async () => {
  const folder = await trained(), draw = (...words: string[]) => hymba(place, "attention", folder, ...words);
  const drawn = await draw("--prompt", "ba be", "--model", "hymba", "--backend", "cpu", "--out", "own", "--json");
  assert.deepEqual(JSON.parse(drawn.out).written, ["own/attention_hymba.png"], drawn.error);
  const bytes = await Deno.readFile(join(place.folder, "own", "attention_hymba.png"));
  assert.deepEqual([...bytes.subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
  for (
    const [words, says] of [
      [["--prompt", "ba", "--model", "mamba", "--backend", "cpu"], /mamba has no attention/],
      [["--prompt", "", "--backend", "cpu"], /the prompt is empty/],
      [["--prompt", "ba ".repeat(2000), "--backend", "cpu"], /too long\n +expected: +at most 512 tokens/],
      [["--model", "hymba"], /--model needs a text/],
      [["--stage", "control"], /no maps are kept for --stage control/],
    ] as const
  ) {
    const { code, error } = await draw(...words);
    assert.equal(code, 2, error);
    assert.match(error, says);
  }
});

Deno.test("an artifact goes into the folder of --out, and --json prints its path", async () => {
  const folder = await trained();
  const { code, out } = await hymba(place, "csv", folder, "--out", "elsewhere/deep", "--json");
  assert.equal(code, 0);
  const tables = ["ablation_results.csv", "comparisons.csv", "preference.csv", "recall.csv", "budgets.csv"];
  const written = tables.map((file) => `elsewhere/deep/${file}`);
  assert.deepEqual(JSON.parse(out), { version: 1, command: "csv", run: folder, written });
  assert.ok(await sizeOf(join(place.folder, "elsewhere/deep/ablation_results.csv")) > 500);
});

Deno.test("a run without hymba has no attention maps, and the error says why", async () => {
  const words = ["ablate", ...SMALL, "--models", "mamba", "--steps", "2", "--out", "only-mamba"];
  assert.equal((await hymba(place, ...words)).code, 0);
  const { code, error } = await hymba(place, "attention", "only-mamba");
  assert.equal(code, 1);
  assert.match(error, /no attention maps[^]*train it/);
});

Deno.test("evaluate gives the recorded loss again, and evaluates any other text", async () => {
  const folder = await trained();
  const result = JSON.parse(await Deno.readTextFile(join(folder, "arms/mamba-1/result.json")));
  const words = ["evaluate", folder, "--model", "mamba", "--backend", "cpu", "--json"];
  const again = await hymba(place, ...words, "--stage", "pretraining", "--data", place.text);
  assert.equal(again.code, 0, again.error);
  assert.ok(Math.abs(JSON.parse(again.out).loss - result.stages.pretraining.final.loss) < 1e-6);
  const other = await hymba(place, ...words, "--text", place.text);
  assert.equal(JSON.parse(other.out).stage, "orpo");
  assert.ok(JSON.parse(other.out).bytes > 11_000);
  const missing = await hymba(place, ...words, "--stage", "control2", "--data", place.text);
  assert.equal(missing.code, 2);
  assert.match(missing.error, /--stage "control2"\n +expected: pretraining, orpo, control\n.*did you mean control\?/);
});

Deno.test("evaluate and orpo reject a text that is not the run's own", async () => {
  const folder = await trained(), other = join(place.folder, "other.txt");
  await Deno.writeTextFile(other, "something else entirely ".repeat(200));
  for (const command of ["evaluate", "orpo"]) {
    const { code, error } = await hymba(place, command, folder, "--backend", "cpu", "--data", other);
    assert.equal(code, 2);
    assert.match(error, /not the text that the run used/);
  }
  const { code, error } = await hymba(place, "evaluate", folder, "--backend", "cpu");
  assert.equal(code, 2);
  assert.match(error, /give the file with --data FILE/);
});

Deno.test("generate continues a prompt, with the same text for the same seed", async () => {
  const folder = await trained();
  const words = ["generate", folder, "--backend", "cpu", "--prompt", "the sun", "--tokens", "12", "--model", "mamba"];
  const [first, again, other] = await Promise.all([
    hymba(place, ...words),
    hymba(place, ...words, "--json"),
    hymba(place, ...words, "--sample-seed", "2"),
  ]);
  assert.equal(first.code, 0, first.error);
  assert.ok(first.out.startsWith("the sun"));
  const { prompt, text } = JSON.parse(again.out);
  assert.equal(first.out, `${prompt}${text}\n`);
  assert.notEqual(other.out, first.out);
  const empty = await hymba(place, "generate", folder, "--backend", "cpu", "--prompt", "");
  assert.equal(empty.code, 2);
  assert.match(empty.error, /the prompt is empty/);
});

/** Runs a command with this text as its standard input. */
async function piped(text: string, ...words: string[]) {
  const child = start(place, words, { stdin: "piped" }), writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

Deno.test("generate takes its prompt from a pipe, ends in front of a stop string, and converses line by line", async () => {
  const folder = await trained(),
    words = ["generate", folder, "--backend", "cpu", "--model", "mamba", "--tokens", "40"];
  const [whole, stopped, lines] = await Promise.all([
    piped("the sun", ...words, "--json"),
    piped("the sun", ...words, "--json", "--stop", "\\n", "--stop", " "),
    piped("the sun\nthe moon", ...words, "--interactive", "--stop", " "),
  ]);
  const { prompt, text, tokens } = JSON.parse(whole.out), shorter = JSON.parse(stopped.out);
  assert.equal(prompt, "the sun");
  assert.equal(tokens, 40);
  assert.equal(shorter.stopped, true);
  assert.equal(shorter.text, text.slice(0, text.search(/[ \n]/)));
  assert.ok(shorter.tokens < 40);
  assert.equal(lines.code, 0, lines.error);
  assert.ok(lines.out.endsWith("\n"));
  for (
    const [flag, value] of [["--top-p", "0"], ["--top-p", "2"], ["--min-p", "-1"], ["--stop", ""], [
      "--repetition-penalty",
      "0",
    ]]
  ) {
    const { code, error } = await piped("", ...words, flag!, value!);
    assert.equal(code, 2, `${flag} ${value}: ${error}`);
  }
});

Deno.test("Hymba.load of a run writes what generate writes, awaited and token by token", async () => {
  const folder = await trained(), words = ["--backend", "cpu", "--model", "hymba", "--tokens", "9", "--top-k", "7"];
  const { out, error } = await hymba(
    place,
    "generate",
    folder,
    "--prompt",
    "the sun",
    "--json",
    "--seed",
    "3",
    ...words,
  );
  await using model = await Hymba.load(folder, { model: "hymba", backend: "cpu" });
  assert.ok(model.tokenizer);
  const prompts = [model.tokenizer.encode("the sun"), model.tokenizer.encode("x")];
  const options = { maxNewTokens: 9, temperature: 0.8, topK: 7, seed: 3 }, made = model.generate(prompts, options);
  const [ids = []] = await made, looped: number[] = [];
  for await (const [id = -1] of made) {
    looped.push(id);
    if (looped.length === 5) break;
  }
  assert.deepEqual(looped, ids.slice(0, 5));
  const stream = new TextStream(model.tokenizer);
  const text = ids.map((id) => stream.push(id).text).join("") + stream.finish().text;
  assert.equal(text, JSON.parse(out).text, error);
  await assert.rejects(Hymba.load(folder, { model: "none", backend: "cpu" }), /the run has no model "none"/);
  await assert.rejects(model.generate([[]]), /the token ids do not fit the model/);
  await assert.rejects(model.generate([[1], [1e9]]), /the token ids do not fit the model/);
  await assert.rejects(model.forward([[1], [1, 2]]), /different lengths/);
});

Deno.test("pretrain trains only the first stage, orpo continues it, and both give the results of ablate", async () => {
  const folder = await trained();
  const words = ["pretrain", ...SMALL, "--model", "mamba", "--steps", "6", "--out", "single"];
  const first = await hymba(place, ...words, "--json");
  assert.equal(first.code, 0, first.error);
  assert.deepEqual(Object.keys(JSON.parse(first.out).results[0].stages), ["pretraining"]);
  const second = await hymba(place, "orpo", "single", "--data", place.text, "--json");
  assert.equal(second.code, 0, second.error);
  const [single] = JSON.parse(second.out).results;
  const whole = JSON.parse(await Deno.readTextFile(join(folder, "arms/mamba-1/result.json")));
  for (const stage of ["pretraining", "orpo", "control"]) {
    assert.equal(single.stages[stage].final.loss, whole.stages[stage].final.loss, stage);
  }
});

Deno.test("architecture and review write a page and print its path", async () => {
  for (const [command, file] of [["architecture", "architecture-hymba.html"], ["review", "review.html"]] as const) {
    const { code, out, error } = await hymba(place, command);
    assert.equal(code, 0, error);
    assert.equal(out, `wrote ${file}\n`);
    assert.match(await Deno.readTextFile(join(place.folder, file)), /^<!doctype html>/);
  }
});

Deno.test("profile seed: the documented block's page, and a run of it that can be verified", async () => {
  const page = await hymba(place, "architecture", "--profile", "seed", "--json");
  assert.equal(page.code, 0, page.error);
  assert.match(await Deno.readTextFile(join(place.folder, "architecture-hybrid-paper.html")), /66,662,415/);
  // The random text is too small for the lossy tokenizer, whose pieces have no spaces.
  const documents = ["README.md", "docs/decisions.md"].map((name) => new URL(`../../${name}`, import.meta.url));
  const book = join(place.folder, "documents.txt"), parts = documents.map((url) => Deno.readTextFile(url));
  await Deno.writeTextFile(book, (await Promise.all(parts)).join("\n"));
  const words = ["--preset", "smoke", "--backend", "cpu", "--data", book, "--steps", "2", "--orpo-steps", "1"];
  const run = await hymba(place, "ablate", "--profile", "seed", "--models", "hybrid-paper", ...words, "--out", "seed");
  assert.equal(run.code, 0, run.error);
  assert.match(run.out, /^hybrid-paper /m);
  const text = await Deno.readTextFile(join(place.folder, "seed/detailed_metrics.txt"));
  assert.match(text, /profile +seed: the documented study, unchanged/);
  assert.match(text, /shuffled sequences, 90\.0 % of them/);
  const verified = await hymba(place, "verify", "seed", "--backend", "cpu", "--data", book);
  assert.equal(verified.code, 0, verified.out + verified.error);
});

Deno.test("profile seed with its cropped mask: the check of the model fails, exit code 1", async () => {
  const { code, out } = await hymba(place, "causality", "--profile", "seed", "--reproduce-leak", "--backend", "cpu");
  assert.equal(code, 1);
  assert.match(out, /hybrid-paper +32 +31 +[1-9]\d* +[1-9]\d* +LEAKS/);
  assert.match(out, /0 of 256 +255 of 256 +128 of 256[^]*0 passed, 3 failed/);
});

Deno.test("architecture draws one sheet as SVG or PNG, by the extension of the file", async () => {
  for (const [file, begin] of [["a.svg", /^<svg /], ["a.png", /^.PNG\r\n/]] as const) {
    const { code, error } = await hymba(place, "architecture", "--preset", "smoke", "--out", file);
    assert.equal(code, 0, error);
    assert.match(new TextDecoder("latin1").decode(await Deno.readFile(join(place.folder, file))), begin);
  }
});

Deno.test("causality prints a verdict for every length", async () => {
  const { code, out } = await hymba(place, "causality", "--models", "mamba", "--backend", "cpu");
  assert.equal(code, 0);
  assert.match(out, /mamba .* causal\n/);
  assert.match(out, /\d+ passed, 0 failed\n$/);
});

Deno.test("recall writes its table and picture, with the same numbers for the same seed", async () => {
  const words = "recall --preset smoke --models mamba --backend cpu --steps 2 --out probe".split(" ");
  const accuracies = async () => {
    const { code, out, error } = await hymba(place, ...words, "--json");
    assert.equal(code, 0, error);
    return JSON.parse(out).results.map(({ train_s: _, ...rest }: { train_s: number }) => rest);
  };
  assert.deepEqual(await accuracies(), await accuracies());
  assert.match(await Deno.readTextFile(join(place.folder, "probe/recall.csv")), /^model,seed,.*\nmamba,1,\d+,2,/);
  assert.ok(await sizeOf(join(place.folder, "probe/recall.png")) > 10_000);
});

Deno.test("recall takes a study file, chooses a rate for each model, and shows what a model carries", async () => {
  const text =
    'preset = "smoke"\nmodels = ["mamba"]\n[recall]\nsteps = 4\nevaluateEvery = 2\nkeys = 20\n[recall.model]\ndModel = 32\n';
  await Deno.writeTextFile(join(place.folder, "task.toml"), text);
  const words = "recall task.toml --backend cpu --rates 1e-3,1e-2 --set recall.model.stateSize=4 --out tuned --json";
  const { code, out, error } = await hymba(place, ...words.split(" "));
  assert.equal(code, 0, error);
  const { results: [result], tried } = JSON.parse(out);
  assert.deepEqual(tried.map(({ rate }: { rate: number }) => rate), [0.001, 0.001, 0.01, 0.01]);
  assert.ok([0.001, 0.01].includes(result.rate));
  assert.equal(result.stepsTo90, null);
  const [, row] = (await Deno.readTextFile(join(place.folder, "tuned/recall.csv"))).split("\n");
  // Two layers, 64 channels, a state of 4 and 3 columns of the convolution, 4 bytes a number.
  assert.ok(row!.endsWith(`,${result.rate},,${2 * 64 * (4 + 3) * 4}`), row);
  assert.match(
    await Deno.readTextFile(join(place.folder, "tuned/recall_rates.csv")),
    /^model,rate,seed,accuracy,loss_nats\n/,
  );
  assert.ok(await sizeOf(join(place.folder, "tuned/recall_state.png")) > 10_000);
});

Deno.test("doctor describes the machine, for people and for programs", async () => {
  const { out } = await hymba(place, "doctor", "--json");
  assert.ok("machine" in JSON.parse(out));
});

/** Waits until standard error contains a text. Returns the text so far, and a promise of the rest. */
async function waitFor(child: Deno.ChildProcess, wanted: RegExp): Promise<{ seen: string; rest: Promise<string> }> {
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!wanted.test(seen)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended without ${wanted}: ${seen}`);
    seen += value;
  }
  const readRest = async () => {
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    return rest;
  };
  return { seen, rest: readRest() };
}

/** Runs until standard error contains a text, then sends a signal. The process has to end within 5 s. */
async function interrupted(
  where: Place,
  words: string[],
  { signal, when }: { signal: Deno.Signal; when: RegExp },
) {
  const child = start(where, words), { rest } = await waitFor(child, when), sent = performance.now();
  child.kill(signal);
  const [error, { code }] = await Promise.all([rest, child.status]);
  assert.ok(performance.now() - sent < 5000, `${signal} at ${when}: ${performance.now() - sent} ms`);
  await child.stdout.cancel();
  return { code, error };
}

Deno.test({
  name: "Ctrl-C and SIGTERM save the work and print the command that continues it; its results are those of one run",
  ignore: QUICK || Deno.build.os === "windows",
  async fn() {
    const words = ["ablate", ...SMALL, "--models", "mamba", "--steps", "300", "--out"];
    const moments = [
      { signal: "SIGINT", when: /pretraining done=\d/ },
      { signal: "SIGTERM", when: /sampling/ },
      { signal: "SIGINT", when: /orpo/ },
    ] as const;
    for (const moment of moments) {
      const { code, error } = await interrupted(place, [...words, "stopped"], moment);
      assert.equal(code, 1, error);
      assert.match(error, /stopping: saving/);
      assert.match(error, /to go on, give the same command again:\n {2}hymba ablate --preset smoke .*--out stopped\n/);
    }
    const resumed = await hymba(place, ...words, "stopped"), straight = await hymba(place, ...words, "straight");
    assert.equal(resumed.code, 0, resumed.error);
    assert.doesNotMatch(resumed.error, /pretraining done=10\/300/, "finished steps are not repeated");
    assert.equal(straight.code, 0);
    const lossesOf = async (folder: string) =>
      (await Deno.readTextFile(join(place.folder, folder, "metrics.jsonl"))).split("\n").filter(Boolean)
        .map((line) => JSON.parse(line).loss);
    assert.deepEqual(await lossesOf("stopped"), await lossesOf("straight"));
  },
});

Deno.test({
  name:
    "the first Ctrl-C stops the work, the second ends the process; before there is work, the first ends the process",
  ignore: Deno.build.os === "windows",
  async fn() {
    const script = (listen: boolean) =>
      `import { stopper } from "${new URL("../../cli/ui/run.ts", import.meta.url)}";
       const stop = stopper(() => console.error("asked"));
       ${listen ? "stop.listen();" : ""} console.error("ready"); setInterval(() => {}, 1000);`;
    for (const listen of [true, false]) {
      const child = new Deno.Command(Deno.execPath(), { args: ["eval", script(listen)], stderr: "piped" }).spawn();
      const { rest } = await waitFor(child, /ready/);
      child.kill("SIGINT");
      if (listen) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        child.kill("SIGTERM");
      }
      const [error, { code, signal }] = await Promise.all([rest, child.status]);
      assert.deepEqual([error, code, signal], listen ? ["asked\n", 130, null] : ["", 130, "SIGINT"]);
    }
  },
});
