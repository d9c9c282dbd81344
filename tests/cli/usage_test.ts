import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultFolder } from "../../cli/shared/study.ts";
import { presetOn } from "../../cli/shared/study_sources.ts";
import type { Preset } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { barLine } from "../../cli/ui/progress.ts";
import { editDistance, nearest } from "../../core/nearest.ts";
import { actionOf } from "../../cli/parse.ts";
import { readRequest } from "../../cli/ui/settings.ts";
import { HymbaError } from "../../core/errors.ts";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
Deno.env.set("XDG_CACHE_HOME", `${place.folder}/cache`);

Deno.test("texts whose names differ only in case or in the form of an accent get folders that no system takes for one", () => {
  const folder = (name: string) => defaultFolder("quick", name);
  const names = ["book", "Book", "BOOK", "caf\u00e9", "cafe\u0301", "Caf\u00e9"];
  const folders = names.map((name) => folder(name).normalize("NFC").toLowerCase());
  assert.equal(new Set(folders).size, names.length);
  assert.match(folder("book"), /quick-book$/);
  assert.match(folder("Book"), /quick-Book-[0-9a-f]{6}$/);
});

Deno.test("version: with -V and --version", async () => {
  for (const flag of ["-V", "--version"]) assert.match((await hymba(place, flag)).out, /^\d+\.\d+\.\d+\n$/);
});

/** Wrong command lines with the expected message. All end with exit code 2 and print nothing on standard output. */
const WRONG: readonly (readonly [words: readonly string[], expected: RegExp])[] = [
  [["ablat"], /did you mean hymba ablate\?/],
  [["frobnicate"], /hymba --help/],
  [["train"], /hymba ablate trains a whole study, hymba pretrain one model/],
  [["ablate", "--presett", "smoke"], /did you mean --preset\?/],
  [["ablate", "--zzzzzzzz"], /hymba ablate --help/],
  [["ablate", "--lr", "1e-3"], /ablate has no option --lr\n +try: +did you mean --rate\?/],
  [["ablate", "--epochs", "3"], /--epochs\n +try: +training is counted in updates: --steps N/],
  [["generate", "--max-new-tokens", "3"], /did you mean --tokens\?/],
  [["generate", "--epochs", "3"], /hymba generate --help-all lists its options/],
  [["tokenizer", "encode", "--jsom"], /tokenizer encode has no option --jsom\n[^]*mean --json/],
  [["tokenizer", "encode", "--json"], /tokenizer encode needs --model\n(?![^]*mean --json)/],
  [["plot", "stage"], /did you mean hymba plot stages\?/],
  [["plot"], /plot needs a command\n +expected: ablation, [^]*comparisons, [^]*stages[^]*hymba plot --help/],
  [["ablate", "quick"], /did you mean --preset quick\?/],
  [["ablate", "--preset", "smok"], /unknown preset "smok"[^]*did you mean smoke\?/],
  [["ablate", "--suite", "fusoin"], /unknown suite "fusoin"[^]*did you mean fusion\?/],
  [["ablate", "--backend", "cuda"], /unknown backend "cuda"[^]*did you mean webgpu\?/],
  [["ablate", "--quiet", "--verbose"], /--quiet and --verbose/],
  [["ablate", "--color", "blue"], /--color\n +expected: auto, always, never\n +got: +blue/],
  [["verify", "a", "b"], /verify does not take "b"/],
  [["blame", "mamba"], /blame needs B/],
  [["tokenizer", "encode", "--model", "nowhere.model"], /nowhere\.model is not there/],
  [["tokenizer", "inspect", "--model", "nowhere.model"], /nowhere\.model is not there/],
  [["tokenizer", "train", "--input", "nowhere.txt", "--out", "x"], /nowhere\.txt/],
  [
    ["generate", "--stage", "orpoo"],
    /--stage "orpoo"\n +expected: pretraining, orpo, control\n +try: +did you mean orpo\?/,
  ],
  [["runs", "nowhere"], /nowhere is not a folder/],
  [["clean", "nowhere"], /nowhere is not a run/],
  [["clean", "--whole"], /--whole needs the names of the runs/],
  [["compare", "a"], /compare needs more words/],
  [["compare", "a", "a"], /a is named twice/],
  [["compare", "a", "b"], /a is not a run/],
  [["completions", "tcsh"], /expected: bash, zsh, fish, pwsh, powershell/],
  [["ablate", "nowhere.toml"], /nowhere\.toml is not a study file[^]*hymba init/],
  [["ablate", "--set", "pretraining.rat=1"], /--set: unknown key "pretraining\.rat"[^]*did you mean pretraining\.rate/],
  [["ablate", "--set", "rate"], /--set: "rate"[^]*KEY=VALUE/],
  [["ablate", "--rate", "fast"], /--rate: pretraining\.rate[^]*a number from 0 to 1000[^]*"fast"/],
  [["ablate", "--width", "65"], /--width: model\.dModel decides headDim[^]*an even number/],
  [["config", "explain", "model.dMode"], /unknown key "model\.dMode"[^]*did you mean model\.dModel/],
  [["config"], /config needs a command\n +expected: show, explain/],
  [["init", "--preset", "huge"], /--preset "huge"\n +expected: smoke/],
  [["tokenizer", "train"], /--input[^]*hymba tokenizer train --help/],
  [["generate", "nowhere", "--tokens", "4000000000"], /--tokens[^]*1,?048,?576[^]*hymba generate --help/],
  [["verify", "nowhere"], /nowhere is not a run/],
  [["ablate", "--preset"], /--preset needs a value/],
  [["ablate", "--preset", "huge"], /unknown preset "huge"[^]*expected: smoke, quick, small, paper/],
  [["ablate", "--models", "mamba,nope"], /unknown model "nope"[^]*expected: mamba/],
  [
    ["ablate", "--suite", "everything"],
    /unknown suite "everything"[^]*arms, seed, factorial, roadmap, fusion, decompose, frontier/,
  ],
  [["ablate", "--profile", "paper"], /--profile "paper"\n +expected: seed/],
  [["ablate", "--profile", "seed", "--suite", "roadmap"], /--suite roadmap does not go with --profile seed/],
  [["ablate", "--profile", "seed", "--match", "parameters"], /--match parameters does not go with --profile seed/],
  [["ablate", "--profile", "seed", "--reproduce-leak"], /--reproduce-leak/],
  [["architecture", "--profile"], /--profile needs a value: seed/],
  [["ablate", "--match", "widths"], /--match "widths"\n +expected: parameters, none/],
  [["ablate", "--seeds", "0"], /--seeds/],
  [["ablate", "--steps", "ten"], /--steps "ten"\n.*integer/],
  [["ablate", "--beta", "-1"], /--beta/],
  [["ablate", "--orpo-loss", "dpo"], /expected: orpo, seed/],
  [["ablate", "--rejected", "none"], /expected: sample, corrupt/],
  [["ablate", "--data", "nowhere.txt", "--backend", "cpu"], /neither a known corpus nor a file[^]*tinyshakespeare/],
  [["ablate", "--remat", "maybe"], /maybe is not a study file/],
  [["ablate", "--precision", "f64"], /--precision "f64"\n +expected: f32, bf16, f16/],
  [["ablate", "--tensor-cores", "on"], /--tensor-cores: tensorCores\n +expected: auto or off, or precision f16/],
  [["golden", ".", "--precision", "bf16", "--tensor-cores", "on"], /multiplies operands in f16[^]*--precision bf16/],
  [
    ["bench", "memory", "--precision", "f16", "--tensor-cores", "on", "--backend", "cpu"],
    /tensor cores are those of a GPU[^]*--tensor-cores off/,
  ],
  [["ablate", "--backend", "tpu"], /unknown backend "tpu"[^]*webgpu, cpu/],
  [["ablate", "--backend", "cpu", "--adapter", "x"], /--adapter .* cannot be used with --backend cpu/],
  [["ablate", "--backend", "cpu", "--threads", "999"], /wrong number of threads\n +expected: 1 to 256\n +got: +999/],
  [["pretrain", "--model", "nope"], /unknown model "nope"/],
  [["recall", "--suite", "everything"], /unknown suite "everything"/],
  [["recall", "--preset", "quick-software"], /has no recall probe[^]*--preset quick/],
  [["recall", "--models", "nope"], /unknown model "nope"/],
  [["recall", "--rates", "1e-3,fast"], /--rates "1e-3,fast"[^]*different learning rates above 0/],
  [["orpo", "nowhere"], /nowhere is not a run[^]*hymba ablate/],
  [["evaluate"], /there is no run in/],
  [["generate", "nowhere"], /nowhere is not a run/],
  [["generate", "--temperature", "-1"], /--temperature/],
  [["generate", "nowhere", "--prompt", "a", "--stop", ""], /--stop is empty/],
  [["csv", "nowhere"], /nowhere is not a run/],
  [["attention", "--stage", "control"], /the run stores no maps for --stage control[^]*pretraining or orpo/],
  [["architecture", "--model", "nope"], /unknown model "nope"/],
  [["architecture", "--out", "hymba.jpg"], /hymba\.jpg[^]*\.html, \.svg, \.png/],
  [["causality", "--models", "nope"], /unknown model "nope"/],
  [["causality", "--leak-experiment", "x", "--steps", "15"], /a multiple of 10/],
  [["tune", "--shape", "huge"], /unknown shape "huge"[^]*expected: peers, smoke, quick/],
  [["tune", "--models", "nope"], /unknown model "nope"/],
  [["tune", "--backend", "cpu"], /tune[^]*WebGPU/],
  [["golden", "nowhere"], /nowhere is not a folder/],
];

/** Calls a command in this process. Returns its error, and what it printed on standard output. */
async function called(words: readonly string[]): Promise<{ error: unknown; out: string }> {
  const print = console.log, printed: unknown[] = [], before = Deno.cwd();
  console.log = (...values) => void printed.push(...values);
  Deno.chdir(place.folder);
  try {
    await (await actionOf(readRequest(words)))();
    return { error: undefined, out: printed.join("\n") };
  } catch (error) {
    return { error, out: printed.join("\n") };
  } finally {
    Deno.chdir(before);
    console.log = print;
  }
}

Deno.test("wrong command lines are usage errors with a helpful message and print nothing", async (t) => {
  for (const [words, expected] of WRONG) {
    await t.step(["hymba", ...words].join(" "), async () => {
      const { error, out } = await called(words);
      assert.ok(error instanceof HymbaError, String(error));
      assert.match(error.message, expected);
      assert.doesNotMatch(error.message, /^hymba/);
      assert.equal(out, "");
      assert.equal(error.exitCode, 2);
    });
  }
});

Deno.test("an error has one prefix, exit code 2 or 1, and with --json it is an object on standard output", async () => {
  const calls = [["ablat"], ["verify", "nowhere"], ["plot", "--json"], ["verify", "nowhere", "--json"], ["evaluate"]];
  const ended = await Promise.all(calls.map((words) => hymba(place, ...words)));
  for (const [i, { code, out, error }] of ended.entries()) {
    assert.match(error, /^hymba: (?!hymba)/);
    assert.doesNotMatch(error, /internal error|\bat .*\.ts:\d+/);
    assert.equal(code, 2);
    if (!calls[i]?.includes("--json")) assert.equal(out, "");
  }
  assert.deepEqual(JSON.parse(ended[2]!.out), {
    version: 1,
    command: "plot",
    error: {
      ...{ kind: "usage", exit_code: 2, message: "plot needs a command" },
      expected: "ablation, budgets, comparisons, frontier, recall, stages",
      hint: "hymba plot --help explains each",
    },
  });
  assert.equal(JSON.parse(ended[3]!.out).error.message, "nowhere is not a run");
});

Deno.test("--verbose says where an error comes from, --quiet says nothing but the error", async () => {
  const [plain, verbose, quiet] = await Promise.all(
    [[], ["--verbose"], ["--quiet"]].map((flags) => hymba(place, "verify", "nowhere", ...flags)),
  );
  assert.match(verbose!.error, /^hymba: nowhere is not a run[^]*\bat .*load_run\.ts:\d+/);
  assert.equal(quiet!.error, plain!.error);
});

Deno.test("init writes a study file with its schema and overwrites nothing; config shows and explains it", async () => {
  const { out, code } = await hymba(place, "init", "--preset", "smoke", "--out", "mine.toml");
  assert.match(out, /wrote mine\.toml\nwrote study\.schema\.json/);
  assert.equal(code, 0);
  const again = await hymba(place, "init", "--out", "mine.toml");
  assert.equal(again.code, 2);
  assert.match(again.error, /mine\.toml exists already/);
  const shown = await hymba(place, "config", "show", "mine.toml", "--rate", "5e-3", "--suite", "factorial");
  assert.match(shown.out, /^pretraining\.rate = 0\.005 +--rate$/m);
  assert.match(shown.out, /^orpo\.rate = 0\.001 +mine\.toml:\d+$/m);
  assert.match(shown.out, /^match = "parameters" +suite factorial$/m);
  assert.match(shown.out, /^model\.headDim +follows: dModel \/ nHeads$/m);
  const explained = await hymba(place, "config", "explain", "dModel");
  assert.match(explained.out, /^model\.dModel\n +meaning: D: width[^]*keys that depend on it:\n +model\.headDim /);
  assert.match((await hymba(place, "init", "--list")).out, /^small +Five models/m);
});

Deno.test("an unknown adapter is an error, also where there is no adapter", async () => {
  const { code, error } = await hymba(place, "ablate", "--preset", "smoke", "--adapter", "no such adapter");
  assert.ok([1, 2].includes(code), String(code));
  assert.match(error, /adapter/);
  assert.match(error, /try:/);
});

Deno.test("suggestions: the most similar word, or none", () => {
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(nearest("--promt", ["--prompt", "--preset"]), "--prompt");
  assert.equal(nearest("xyz", ["ablate", "plot"]), undefined);
});

Deno.test("progress: it fits one line of any terminal; first the bar shrinks, then the line is cut", () => {
  const rest = " 100/700 loss=3.912 tokens/s=22891 5 min left";
  for (const columns of [20, 60, 72, 80, 200]) {
    for (const share of [0, 0.3, 1]) {
      assert.ok(barLine("hymba seed 1 pretraining", { share, rest, columns }).length < columns);
    }
  }
  const line = barLine("hymba seed 1 pretraining", { share: 0.5, rest, columns: 200 });
  assert.equal(line, `hymba seed 1 pretraining ${"█".repeat(12)}${"░".repeat(12)}${rest}`);
  assert.match(barLine("hymba seed 1 pretraining", { share: 0.5, rest, columns: 80 }), /g █+░+ 100/);
});

Deno.test("quick is a shorter study on a software adapter, and itself everywhere else", () => {
  const on = (backend: "webgpu" | "cpu", hardware: boolean, preset: Preset) => presetOn({ backend, hardware }, preset);
  assert.equal(on("webgpu", false, "quick"), "quick-software");
  assert.equal(on("webgpu", true, "quick"), "quick");
  assert.equal(on("cpu", false, "quick"), "quick");
  for (const other of ["smoke", "small", "paper", "quick-software"] as const) {
    assert.equal(on("webgpu", false, other), other);
  }
  const { preset: _, pretraining, orpo, preference, recall, ...same } = studyOf("quick");
  const short = studyOf("quick-software");
  for (const [name, value] of Object.entries(same)) assert.deepEqual(short[name as keyof typeof same], value, name);
  assert.ok(recall && !short.recall);
  assert.ok(short.pretraining.steps < pretraining.steps && short.pretraining.batch < pretraining.batch);
  assert.ok(short.orpo.steps < orpo.steps && short.preference.trainPairs < preference.trainPairs);
});

Deno.test("config show names every point of a sweep that makes no model", async () => {
  await Deno.writeTextFile(
    join(place.folder, "points.toml"),
    'preset = "smoke"\nmodels = ["mamba"]\n[sweep]\nover = ["model.dModel=32,33,34"]\n',
  );
  const { code, error } = await hymba(place, "config", "show", "points.toml");
  assert.equal(code, 2);
  for (const width of [33, 34]) {
    assert.match(error, new RegExp(`points\\.toml:4:1: arms\\.mamba\\.dModel.*${width} / 4`));
  }
});
