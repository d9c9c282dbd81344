import assert from "node:assert/strict";
import { defaultFolder } from "../../cli/shared/study.ts";
import { presetOn } from "../../cli/shared/study_sources.ts";
import type { Preset } from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import { barLine } from "../../cli/ui/progress.ts";
import { editDistance, nearest } from "../../core/nearest.ts";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();

/** The commands that the help lists. */
async function commandsOf(): Promise<string[]> {
  const { out } = await hymba(place, "--help");
  return [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = ""]) => name).filter((name) =>
    !["help", "completion"].includes(name)
  );
}

const COMMANDS =
  "ablate pretrain orpo evaluate generate tokenizer plot attention samples metrics csv report architecture " +
  "review causality recall verify doctor golden tune init config bench power slices lesion preference " +
  "sweep estimate cells merge blame submit array export import serve";

Deno.test("help: it lists every command, and the help of each has an example", async () => {
  const commands = await commandsOf();
  assert.deepEqual(commands.toSorted(), COMMANDS.split(" ").toSorted());
  const helps = await Promise.all(commands.map((name) => hymba(place, name, "--help")));
  for (const [index, { code, out }] of helps.entries()) {
    assert.equal(code, 0);
    assert.match(out, new RegExp(`Example: hymba ${commands[index]}\\b`), commands[index]);
  }
});

Deno.test("texts whose names differ only in case or in the form of an accent get folders that no system takes for one", () => {
  const folder = (name: string) => defaultFolder("quick", name);
  const names = ["book", "Book", "BOOK", "caf\u00e9", "cafe\u0301", "Caf\u00e9"];
  const folders = names.map((name) => folder(name).normalize("NFC").toLowerCase());
  assert.equal(new Set(folders).size, names.length);
  assert.match(folder("book"), /quick-book$/);
  assert.match(folder("Book"), /quick-Book-[0-9a-f]{6}$/);
});

Deno.test("version and completion", async () => {
  assert.match((await hymba(place, "--version")).out, /^\d+\.\d+\.\d+\n$/);
  assert.match((await hymba(place, "completion", "bash")).out, /complete/);
});

/** Wrong command lines with the expected message. All end with exit code 2 and print nothing on standard output. */
const WRONG: readonly (readonly [words: readonly string[], expected: RegExp])[] = [
  [[], /^hymba: hymba needs a command: ablate, .*doctor[^]*hymba --help/],
  [["ablat"], /Did you mean `ablate`/],
  [["frobnicate"], /hymba --help/],
  [["ablate", "--presett", "smoke"], /Did you mean `--preset`/],
  [["ablate", "--zzzzzzzz"], /hymba ablate --help/],
  [["plot", "stage"], /Did you mean `stages`/],
  [["plot"], /hymba plot needs a command: ablation, [^]*comparisons, [^]*stages[^]*hymba plot --help/],
  [["ablate", "quick"], /Did you mean `--preset quick`/],
  [["ablate", "nowhere.toml"], /nowhere\.toml is not a study file[^]*hymba init/],
  [["ablate", "--set", "pretraining.rat=1"], /--set: unknown key "pretraining\.rat"[^]*did you mean pretraining\.rate/],
  [["ablate", "--set", "rate"], /--set: "rate"[^]*KEY=VALUE/],
  [["ablate", "--rate", "fast"], /--rate: pretraining\.rate[^]*a number from 0 to 1000[^]*"fast"/],
  [["ablate", "--width", "65"], /--width: model\.dModel decides headDim[^]*an even number/],
  [["config", "explain", "model.dMode"], /unknown key "model\.dMode"[^]*did you mean model\.dModel/],
  [["config"], /hymba config needs a command: show, explain/],
  [["init", "--preset", "huge"], /--preset.*"smoke"/],
  [["tokenizer", "train"], /--input[^]*hymba tokenizer train --help/],
  [["generate", "nowhere", "--tokens", "4000000000"], /--tokens.*1,?048,?576[^]*hymba generate --help/],
  [["verify", "nowhere"], /nowhere is not a run/],
  [["ablate", "--preset"], /--preset.*requires/],
  [["ablate", "--preset", "huge"], /unknown preset "huge"[^]*expected: smoke, quick, small, paper/],
  [["ablate", "--models", "mamba,nope"], /unknown model "nope"[^]*expected: mamba/],
  [
    ["ablate", "--suite", "everything"],
    /unknown suite "everything"[^]*arms, seed, factorial, roadmap, fusion, decompose, frontier/,
  ],
  [["ablate", "--profile", "paper"], /--profile.*"seed"/],
  [["ablate", "--profile", "seed", "--suite", "roadmap"], /--suite roadmap does not go with --profile seed/],
  [["ablate", "--profile", "seed", "--match", "parameters"], /--match parameters does not go with --profile seed/],
  [["ablate", "--profile", "seed", "--reproduce-leak"], /--reproduce-leak/],
  [["architecture", "--profile"], /--profile.*requires/],
  [["ablate", "--match", "widths"], /--match.*"parameters" and "none"/],
  [["ablate", "--seeds", "0"], /--seeds/],
  [["ablate", "--steps", "ten"], /--steps.*integer/],
  [["ablate", "--beta", "-1"], /--beta/],
  [["ablate", "--orpo-loss", "dpo"], /"orpo" and "seed"/],
  [["ablate", "--rejected", "none"], /"sample" and "corrupt"/],
  [["ablate", "--data", "nowhere.txt", "--backend", "cpu"], /neither a known corpus nor a file[^]*tinyshakespeare/],
  [["ablate", "--remat", "maybe"], /maybe is not a study file/],
  [["ablate", "--precision", "f64"], /--precision.*"f32", "bf16", and "f16"/],
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
  [["csv", "nowhere"], /nowhere is not a run/],
  [["attention", "--stage", "control"], /--stage/],
  [["architecture", "--model", "nope"], /unknown model "nope"/],
  [["architecture", "--out", "hymba.jpg"], /hymba\.jpg[^]*\.html, \.svg, \.png/],
  [["causality", "--models", "nope"], /unknown model "nope"/],
  [["causality", "--leak-experiment", "x", "--steps", "15"], /a multiple of 10/],
  [["tune", "--shape", "huge"], /unknown shape "huge"[^]*expected: peers, smoke, quick/],
  [["tune", "--models", "nope"], /unknown model "nope"/],
  [["tune", "--backend", "cpu"], /tune[^]*WebGPU/],
  [["golden", "nowhere"], /nowhere is not a folder/],
];

Deno.test("wrong command lines end with exit code 2 and a helpful message, with one prefix", async (t) => {
  for (const [words, expected] of WRONG) {
    await t.step(["hymba", ...words].join(" "), async () => {
      const { code, out, error } = await hymba(place, ...words);
      assert.match(error, expected);
      assert.match(error, /^hymba: /m);
      assert.doesNotMatch(error, /internal fault|\bat .*\.ts:\d+/);
      assert.equal(out, "");
      assert.equal(code, 2);
    });
  }
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
  assert.match(explained.out, /^model\.dModel\n +meaning: D: width[^]*decides: model\.headDim, /);
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
