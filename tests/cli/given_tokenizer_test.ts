/** `--tokenizer`: what can be given, and what is said of what cannot. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace(), RUN = "results/runs/given";
const STUDY = [
  "ablate",
  "--preset",
  "smoke",
  "--backend",
  "cpu",
  "--data",
  place.text,
  "--models",
  "mamba",
  "--out",
  RUN,
];
const SHORT = ["--steps", "2", "--orpo-steps", "1", "--set", "recall.probe=false"];

Deno.test("a tokenizer that is not there, is none, or has another size is refused before anything is written", async () => {
  await Deno.writeTextFile(join(place.folder, "notes.txt"), "no tokenizer");
  for (
    const [words, expected] of [
      [["--tokenizer", "nowhere.model"], /nowhere\.model is not a tokenizer[^]*or the word bytes/],
      [["--tokenizer", "."], /is not a tokenizer[^]*no regular file/],
      [["--tokenizer", "notes.txt"], /notes\.txt is a text, not a tokenizer/],
      [["--tokenizer", "bytes", "--vocab", "512"], /not the size of the tokenizer bytes[^]*260, or no value[^]*512/],
    ] as const
  ) {
    const { code, error } = await hymba(place, ...STUDY, ...words);
    assert.notEqual(code, 0);
    assert.match(error, expected);
  }
  await assert.rejects(Deno.stat(join(place.folder, RUN)));
});

Deno.test("a study with a tokenizer of its own is generated from, and a study file names it from its folder", async () => {
  await Deno.mkdir(join(place.folder, "studies"));
  const tokenizer = trainTokenizer(await Deno.readTextFile(place.text), { vocabSize: 320, size: "most" });
  await Deno.writeFile(join(place.folder, "studies/own.model"), tokenizer.toModelBytes() as Uint8Array<ArrayBuffer>);
  await Deno.writeTextFile(
    join(place.folder, "studies/my.toml"),
    'preset = "smoke"\n[data]\ntokenizer = "own.model"\n',
  );
  const [command, , , ...rest] = STUDY, words = [command!, "studies/my.toml", ...rest, ...SHORT];
  const made = await hymba(place, ...words);
  assert.equal(made.code, 0, made.error);
  assert.match(made.error, /tokenizer own\.model: \d+ tokens/);
  const record = JSON.parse(await Deno.readTextFile(join(place.folder, RUN, "run.json")));
  assert.deepEqual(record.tokenizer, { sha256: tokenizer.hash, vocabSize: tokenizer.vocabSize, source: "own.model" });
  assert.equal(record.origins["model.vocabSize"], "data.tokenizer");
  const said = await hymba(place, "generate", RUN, "--backend", "cpu", "--prompt", "the", "--tokens", "4");
  assert.equal(said.code, 0, said.error);
});

Deno.test("all missing files of a study file come together, each with its place and what was probably meant", async () => {
  await Deno.mkdir(join(place.folder, "texts"), { recursive: true });
  await Deno.writeTextFile(join(place.folder, "texts/chapter.txt"), "text");
  const text =
    '[data]\nfiles = ["chapter.txt",\n "chaptr.txt", "none-*.txt", "tinyshakespear"]\ntestFiles = ["."]\ntokenizer = "own.json"\n';
  await Deno.writeTextFile(join(place.folder, "texts/study.toml"), text);
  const { code, error } = await hymba(place, "ablate", "texts/study.toml", "--backend", "cpu");
  assert.equal(code, 2);
  for (
    const line of [
      /the study has 5 faults/,
      /study\.toml:3:2: data\.files: there is no file "texts\/chaptr\.txt"[^\n]*did you mean chapter\.txt\?/,
      /study\.toml:3:16: data\.files: no file matches "texts\/none-\*\.txt"/,
      /study\.toml:3:30: data\.files: there is no file [^\n]*did you mean tinyshakespeare\?/,
      /study\.toml:4:14: data\.testFiles: texts is a folder/,
      /study\.toml:5:1: texts\/own\.json is not a tokenizer/,
    ]
  ) assert.match(error, line);
});
