/** Commands on one small run: training, artifacts, evaluation and generation. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { TextStream } from "../../core/infer/text_stream.ts";
import { ARTIFACTS } from "../../core/report/mod.ts";
import { Hymba } from "../../mod.ts";
import { hymba, makePlace, start } from "./command_line.ts";

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
    [["attention"], [
      ARTIFACTS.attentionPretraining.file,
      ARTIFACTS.attentionOrpo.file,
      ARTIFACTS.attentionChange.file,
    ]],
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
  const kept = await draw("--model", "hymba", "--backend", "cpu", "--out", "kept", "--json");
  assert.deepEqual(JSON.parse(kept.out).written, ["kept/attention_hymba.png"], kept.error);
  for (
    const [words, says] of [
      [["--prompt", "ba", "--model", "mamba", "--backend", "cpu"], /mamba has no attention/],
      [["--prompt", "", "--backend", "cpu"], /the prompt is empty/],
      [["--prompt", "ba ".repeat(2000), "--backend", "cpu"], /too long\n +expected: +at most 512 tokens/],
      [["--model", "mamba", "--backend", "cpu"], /mamba has no attention/],
      [["--stage", "control"], /the run stores no maps for --stage control/],
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
async function piped(text: string | Uint8Array, ...words: string[]) {
  const child = start(place, words, { stdin: "piped" }), writer = child.stdin.getWriter();
  await writer.write(typeof text === "string" ? new TextEncoder().encode(text) : text);
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
  const latin1 = Uint8Array.of(0x61, 0xe9, 0x62, 0x0a);
  for (const more of [[], ["--interactive"]]) {
    const { code, error } = await piped(latin1, ...words, ...more);
    assert.deepEqual([code, /standard input is not UTF-8 text[^]*0xe9 at offset 1/.test(error)], [2, true], error);
  }
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
