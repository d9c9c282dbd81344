/** `hymba export` and `hymba import` as a user calls them, on a run of two models. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { type Ended, hymba, makePlace } from "../cli/command_line.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "../study/tiny_study.ts";

const place = await makePlace();
const pathOf = (...names: string[]) => join(place.folder, ...names);

let made: Promise<void> | undefined;
/** A run of two models in the folder `run`. */
function trained(): Promise<void> {
  return made ??= (async () => {
    const executor = await CpuExecutor.create({ threads: 1 });
    const study = { ...tinyStudy({ arms: ["transformer-global", "hymba"] }), lastStage: "pretraining" as const };
    await runStudy(study, {
      ...{ executor, disk: systemDisk, folder: pathOf("run"), environment: ENVIRONMENT, corpus: madeUpCorpus() },
    });
    await executor.close();
  })();
}

const ok = ({ code, out, error }: Ended): string => (assert.equal(code, 0, error), out);
const namesIn = (folder: string) => [...Deno.readDirSync(pathOf(folder))].map(({ name }) => name).sort();

Deno.test("export: PyTorch's files are written and named, and a second time into the same folder is refused", async () => {
  await trained();
  const words = ["export", "run", "--model", "hymba", "--format", "pytorch", "--out", "torch/"];
  const out = ok(await hymba(place, ...words)), files = namesIn("torch");
  assert.deepEqual(files, ["config.json", "hymba_model.py", "model.safetensors", "tokenizer.json", "tokenizer.model"]);
  for (const file of files) assert.match(out, new RegExp(`^wrote torch/${file}$`, "m"));
  const again = await hymba(place, ...words);
  assert.equal(again.code, 2);
  assert.match(again.error, /torch\/ is not empty[^]*nothing was changed/);
  const json = JSON.parse(ok(await hymba(place, ...words.slice(0, -1), "torch2", "--json")));
  assert.deepEqual([json.model, json.format, json.written.length], ["hymba", "pytorch", 5]);
});

Deno.test("import: a model that was exported and came back writes the same text", async () => {
  await trained();
  const text = async (folder: string, ...words: string[]) =>
    ok(await hymba(place, "generate", folder, ...words, "--backend", "cpu", "--prompt", "the sun", "--tokens", "12"));
  for (const [model, format] of [["hymba", "pytorch"], ["transformer-global", "hf"]] as const) {
    const files = `${format}-there`, back = `${format}-back`;
    ok(await hymba(place, "export", "run", "--model", model, "--format", format, "--out", files));
    const made = await hymba(place, "import", files, "--out", back);
    assert.match(ok(made), new RegExp(`^wrote ${back}/model.json$`, "m"));
    assert.match(made.error, /\d+ parameters/);
    assert.equal(await text(back), await text("run", "--model", model), format);
  }
  ok(await hymba(place, "export", "pytorch-back", "--format", "pytorch", "--out", "again"));
  const bytes = (folder: string) => Deno.readFileSync(pathOf(folder, "model.safetensors"));
  assert.deepEqual(bytes("again"), bytes("pytorch-there"));
  const quality = async (...words: string[]) => {
    const out = ok(await hymba(place, "evaluate", ...words, "--backend", "cpu", "--text", place.text, "--json"));
    const { loss, tokens, seed, stage } = JSON.parse(out);
    return { loss, tokens, seed, stage };
  };
  const { loss, tokens, ...which } = await quality("run", "--model", "hymba");
  assert.deepEqual(which, { seed: 1, stage: "pretraining" });
  assert.deepEqual(await quality("pytorch-back"), { loss, tokens, seed: undefined, stage: undefined });
  const csv = await hymba(place, "csv", "pytorch-back");
  assert.equal(csv.code, 2);
  assert.match(csv.error, /one imported model and not a run[^]*generate, export and evaluate --text take it/);
});

Deno.test("export: llama.cpp's file is one, ONNX has its tokenizer beside it, and what llama.cpp cannot carry is refused", async () => {
  await trained();
  const words = (
    model: string,
    format: string,
    out: string,
  ) => ["export", "run", "--model", model, "--format", format, "--out", out];
  ok(await hymba(place, ...words("transformer-global", "gguf", "gguf-there")));
  assert.deepEqual(namesIn("gguf-there"), ["model.gguf"]);
  ok(await hymba(place, ...words("hymba", "onnx", "onnx-there")));
  assert.deepEqual(namesIn("onnx-there"), ["model.onnx", "tokenizer.json", "tokenizer.model"]);
  const refused = await hymba(place, ...words("hymba", "gguf", "none"));
  assert.equal(refused.code, 2);
  assert.match(refused.error, /llama\.cpp cannot carry hymba[^]*side by side[^]*--format pytorch takes every model/);
});

/** Wrong command lines and their errors. All end with exit code 2 and write no file. */
const WRONG: readonly (readonly [words: readonly string[], expected: RegExp])[] = [
  [["export", "run", "--out", "none"], /--format/],
  [["export", "run", "--format", "tensorflow", "--out", "none"], /pytorch/],
  [["export", "run", "--format", "pytorch"], /--out/],
  [["export", "run", "--format", "pytorch", "--out", "made-up.txt"], /made-up\.txt is not a folder/],
  [["export", "nowhere", "--format", "pytorch", "--out", "none"], /nowhere is not a run/],
  [
    ["export", "run", "--model", "gpt", "--format", "pytorch", "--out", "none"],
    /no model "gpt"[^]*transformer-global, hymba/,
  ],
  [["import", "nowhere", "--out", "none"], /nowhere is not a model[^]*nothing there/],
  [["import", "run", "--out", "none"], /run is not a model[^]*config\.json/],
  [["import", "run", "--out", "run"], /run is not empty/],
  [["export", "run", "--stage", "orpo", "--format", "pytorch", "--out", "none"], /no weights of stage "orpo"/],
];

Deno.test("export: bad words are usage errors and write nothing", async () => {
  await trained();
  for (const [words, expected] of WRONG) {
    const { code, error } = await hymba(place, ...words);
    assert.equal(code, 2, `${words.join(" ")}: ${error}`);
    assert.match(error, expected, words.join(" "));
  }
  assert.ok(!namesIn(".").includes("none"));
});
