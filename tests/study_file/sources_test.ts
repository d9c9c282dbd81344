/** Every key from every source: one precedence, and every value keeps the place that it comes from. */
import { strict as assert } from "node:assert";
import { fc } from "../packages.ts";
import { layersOf, type Preset, PRESETS, type Value } from "../../core/config/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { mergeValues, presetValues, usualValues } from "../../core/study_file/precedence.ts";
import {
  inToml,
  type Key,
  KEYS,
  nameOf,
  originInWords,
  readFlags,
  readStudyText,
  resolveSources,
  setFlag,
  studyFileText,
  tableOf,
} from "../../core/study_file/mod.ts";
import { ELSEWHERE } from "../../core/study_file/nearest_key.ts";
import { strange, valueOf } from "./values.ts";

const named = (path: string) => path.replace("*", "own-arm");
const PATHS = KEYS.filter(({ path }) => path !== "preset");

/** A file with one key, after so many lines of comment. */
const fileWith = (path: string, value: Value, lines = 0) =>
  `${"# nothing\n".repeat(lines)}${tableOf(path) ? `[${tableOf(path)}]\n` : ""}${nameOf(path)} = ${inToml(value)}\n`;

const cases = fc.constantFrom(...PATHS).chain((key: Key) =>
  fc.record({
    key: fc.constant(key),
    preset: fc.constantFrom(...PRESETS),
    file: fc.option(valueOf(key.type), { nil: undefined }),
    flag: fc.option(valueOf(key.type), { nil: undefined }),
    lines: fc.integer({ min: 0, max: 5 }),
  })
);

Deno.test("the flag holds, else the file, else the preset, else the usual value, and each says so", () => {
  fc.assert(
    fc.property(cases, ({ key, preset, file, flag, lines }) => {
      const path = named(key.path);
      const fromFile = file === undefined ? undefined : readStudyText(fileWith(path, file, lines), { file: "my.toml" });
      const fromFlag = flag === undefined ? undefined : readFlags([{ flag: "--set", path, value: flag }]);
      assert.deepEqual([...fromFile?.faults ?? [], ...fromFlag?.faults ?? []], []);
      const none = new Map(), usual = usualValues(), given = presetValues(preset);
      const found = mergeValues(usual, given, fromFile?.values ?? none, fromFlag?.values ?? none).get(path);
      const expected = flag ?? file ?? given.get(path)?.value ?? usual.get(path)?.value;
      if (key.path === "model.ffnHiddenUnmatched") return;
      assert.deepEqual(found?.value, expected);
      if (flag !== undefined) assert.equal(originInWords(found!.origin), "--set");
      else if (file !== undefined) {
        assert.equal(originInWords(found!.origin), `my.toml:${lines + (tableOf(path) ? 2 : 1)}`);
      } else if (given.has(path)) assert.match(originInWords(found!.origin), /^preset /);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a number may be written as an integer of any length; a whole number out of range is refused", () => {
  for (const [digits, value] of [["9007199254740992", 2 ** 53], ["1000000000000000000000", 1e21]] as const) {
    const { values, faults } = readStudyText(`[pretraining]\nflops = ${digits}\n`, { file: "my.toml" });
    assert.deepEqual(faults, []);
    assert.equal(values.get("pretraining.flops")?.value, value);
  }
  const [fault] = readStudyText("[pretraining]\nsteps = 9223372036854775808\n", { file: "my.toml" }).faults;
  assert.equal(fault?.at, "my.toml:2:1");
  assert.match(fault?.expected ?? "", /^a whole number/);
  const [list] = readStudyText("[model]\nnHeads = [99999999999999999999]\n", { file: "my.toml" }).faults;
  assert.equal(list?.at, "my.toml:2:1");
});

Deno.test("names of JavaScript's objects are unknown keys, and NaN and infinity are named", () => {
  const { faults } = readStudyText("[model]\nconstructor = 1\n\n[pretraining]\nrate = nan\ndecay = inf\n", {
    file: "my.toml",
  });
  assert.equal(faults.length, 3);
  assert.doesNotMatch(faults[0]?.hint ?? "", /native code/);
  assert.deepEqual(faults.slice(1).map(({ got }) => got), ["nan", "inf"]);
});

Deno.test("--set reads back every value of every key as the file does", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PATHS).chain((key) => fc.tuple(fc.constant(key), valueOf(key.type))),
      ([key, value]) => {
        const path = named(key.path), flag = setFlag(`${path}=${inToml(value)}`);
        const { values, faults } = readFlags([flag]);
        assert.deepEqual(faults, []);
        assert.deepEqual(values.get(path)?.value, value);
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("the value of a flag is refused as what it is, and a list in brackets is not cut at its commas", () => {
  const got = (words: string) => readFlags([setFlag(words)]).faults[0]?.got;
  assert.equal(got("pretraining.batch=0"), "0");
  assert.equal(got("pretraining.batch=many"), '"many"');
  assert.equal(got('data.files=["x", 3]'), "3");
  assert.deepEqual(readFlags([setFlag("data.files=x,y")]).values.get("data.files")?.value, ["x", "y"]);
});

Deno.test("a value that its key does not allow is refused in a file with its line and column, and in a flag", () => {
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), strange, fc.integer({ min: 0, max: 3 }), (key, value, lines) => {
      fc.pre(!(key.type.kind === "text" && key.type.pattern === undefined && typeof value === "string"));
      const path = named(key.path), text = fileWith(path, value, lines);
      const { faults } = readStudyText(text, { file: "my.toml" }), line = lines + (tableOf(path) ? 2 : 1);
      assert.ok(faults.length > 0);
      for (const { at, what, expected } of faults) {
        // A wrong item of a list has a place of its own.
        assert.match(at, new RegExp(`^my\\.toml:${line}:${what.includes(", item ") ? "\\d+" : "1"}$`));
        assert.ok(expected);
      }
      assert.equal(readFlags([{ flag: "--set", path, value }]).faults.length, faults.length);
    }),
    { numRuns: 500 },
  );
});

Deno.test("without a preset's ffnHiddenUnmatched a file's ffnHidden holds for models that are not matched", () => {
  const file = { path: "my.toml", text: 'preset = "paper"\nmatch = "none"\n[model]\nffnHidden = 640\n' };
  const { study } = resolveSources({ file });
  assert.deepEqual(new Set(study.arms.map(({ config }) => config.ffnHidden)), new Set([640]));
});

Deno.test("the file that init writes is the study of its preset", () => {
  for (const preset of PRESETS) {
    const { study } = resolveSources({ file: { path: `${preset}.toml`, text: studyFileText(preset) } });
    assert.deepEqual(study, resolveSources({ preset }).study, preset);
  }
});

Deno.test("every key stands in the file that init writes, with its meaning", () => {
  const text = studyFileText("quick");
  for (const { path, meaning } of KEYS) {
    assert.ok(text.includes(meaning), path);
    assert.match(text, new RegExp(`^(# ){0,2}${nameOf(path)} = `, "m"), path);
  }
});

/** The lines of the example of an arm in the file of a preset, and those before it. */
function exampleIn(preset: Preset): { before: string; example: string[] } {
  const lines = studyFileText(preset).trimEnd().split("\n"), start = lines.indexOf("# [arms.example]");
  return { before: lines.slice(0, start).join("\n"), example: lines.slice(start) };
}

/** A line without its first comment sign. */
const uncommented = (line: string) => line.replace(/^# /, "");

Deno.test("the example of an arm has every key of an arm, and without the comment signs it is hymba", () => {
  for (const preset of PRESETS) {
    const { before, example } = exampleIn(preset), text = `${before}\n${example.map(uncommented).join("\n")}\n`;
    const { study } = resolveSources({ file: { path: "s.toml", text } });
    const [own] = study.arms.filter(({ name }) => name === "example"), given = resolveSources({ preset }).study;
    const hymba = given.arms.find(({ name }) => name === "hymba");
    const { evaluateEvery } = given.pretraining;
    assert.deepEqual({ ...own, name: "hymba" }, { ...hymba, pretraining: { checkpointEvery: evaluateEvery } }, preset);
    const rest = { ...study, preset, arms: study.arms.slice(0, -1), recall: undefined };
    assert.deepEqual(rest, { ...given, recall: undefined }, preset);
  }
});

Deno.test("every key of the example alone, also one that excludes others, makes an arm like hymba", () => {
  for (const preset of ["quick", "small"] as const) {
    const { before, example } = exampleIn(preset);
    let table = "";
    for (const line of example) {
      const content = line.replace(/^(# )+/, "");
      if (content.startsWith("[")) table = content;
      if (!/^\w+ = /.test(content) || content.startsWith("ffnHidden") && preset === "small") continue;
      const text = `${before}\n[arms.example]\nfrom = "hymba"\n${table === "[arms.example]" ? "" : `${table}\n`}${
        content.startsWith("from") ? "" : content
      }\n`;
      const { study } = resolveSources({ file: { path: "s.toml", text } });
      const [own] = study.arms.filter(({ name }) => name === "example");
      const hymba = study.arms.find(({ name }) => name === "hymba");
      assert.deepEqual(own && layersOf(own.config), hymba && layersOf(hymba.config), `${preset}: ${content}`);
    }
  }
});

const TEN_FAULTS = `name = "two words"
preset = "huge"
suite = 5
sequenceLenght = 96

[model]
dModel = 65
nHeads = 4

[pretraining]
rate = "fast"
batch = 0

[orpo]
steps = 1.5

[arms.UPPER]
from = "hymba"

[arms.copy]
from = "nothing-known"
fusion = "product"
`;

Deno.test("arms that models leaves out are checked as models, except those that others only start from", () => {
  const text = (models: string) =>
    `preset = "smoke"
models = ["${models}"]
[arms.left]
separateOutputs = true
branchWidth = 16
[arms.start]
branchWidth = 16
[arms.right]
from = "start"
fusion = "sum"
`;
  assert.throws(() => resolveSources({ file: { path: "left.toml", text: text("right") } }), (error: Error) => {
    assert.match(
      error.message,
      /left\.toml:4:1: arms\.left\.separateOutputs; expected false with a branchWidth.*; got true/,
    );
    assert.doesNotMatch(error.message, /arms\.start/);
    return true;
  });
  const whole = text("right").replace(/\[arms\.left\][^]*?(?=\[arms\.start\])/, "");
  assert.equal(resolveSources({ file: { path: "right.toml", text: whole } }).study.arms.length, 1);
});

Deno.test("ten faults of a file come together, each with line, column and what is allowed", () => {
  assert.throws(() => resolveSources({ file: { path: "ten.toml", text: TEN_FAULTS } }), (error: UsageError) => {
    assert.ok(error instanceof UsageError);
    const lines = error.message.split("\n").filter((line) => line.startsWith("  ten.toml:"));
    const places = lines.map((line) => /^ {2}ten\.toml:(\d+):(\d+): /.exec(line)!.slice(1).join(":"));
    assert.deepEqual(places, [
      ...["1:1", "2:1", "3:1", "4:1", "7:1", "11:1", "12:1", "15:1", "17:1", "21:1", "22:1"],
    ]);
    assert.match(error.message, /sequenceLenght.*did you mean sequenceLength/);
    assert.match(error.message, /rate; expected a number from 0 to 1000; got "fast"/);
    assert.match(error.message, /unknown preset "huge"; expected smoke, quick/);
    assert.match(
      error.message,
      /ten\.toml:7:1: model\.dModel decides headDim; expected an even number.*; got 16\.25/,
    );
    assert.equal(error.exitCode, 2);
    return true;
  });
});

Deno.test("a text that is no TOML is refused with its line and column", () => {
  const text = "seeds = 2\nrate = = 3\n";
  assert.throws(() => resolveSources({ file: { path: "bad.toml", text } }), /bad\.toml:2:8: not TOML/);
});

Deno.test("a name that other programs use is one of no key, and leads to keys", () => {
  const names = KEYS.map(({ path }) => nameOf(path));
  for (const [name, here] of Object.entries(ELSEWHERE)) {
    assert.ok(names.includes(here), here);
    assert.ok(name === "length" || !names.some((one) => one.toLowerCase() === name), name);
  }
});

/** Unknown keys, and the keys that the suggestion has to name. */
const MEANT = {
  d_model: "model.dModel",
  dmodel: "model.dModel",
  layer: "model.nLayers",
  stat_size: "model.stateSize",
  "pretraining.beta_1": "pretraining.beta1",
  "pretraining.learning_rate": "pretraining.rate",
  "orpo.lr": "orpo.rate",
  "recall.lr": "recall.rate",
  "recall.model.lr": "recall.rate",
  "arms.x.lr": "arms.x.pretraining.rate",
  "arms.x.rate": "arms.x.pretraining.rate",
  "arms.x.pretraining.lr": "arms.x.pretraining.rate",
  "arms.x.pretraining.window": "arms.x.swaWindow",
  "arms.x.width": "arms.x.dModel",
  "arms.x.inherit": "arms.x.from",
  lr: "pretraining.rate",
  length: "sequenceLength",
  "recall.lenght": "recall.length",
  "model.n-layer": "model.nLayers",
  "model.nLayer": "model.nLayers",
  "model.layers": "arms.NAME.layers",
  "model.vocab": "model.vocabSize",
  "recall.model.width": "recall.model.dModel",
  "pretrainin.rate": "pretraining",
  "arm.x.innerNorms": "arms",
  "modle.dModel": "model",
  "pretrain.rate": "pretraining",
  "optimizer.lr": "pretraining",
  "dataset.files": "data",
  "orpo.decayAt": "pretraining.decayAt",
  "sweep.seed": "sweep.seeds",
};

Deno.test("the suggestion for an unknown key fits the table where the key stands", () => {
  for (const [path, meant] of Object.entries(MEANT)) {
    const { faults } = readStudyText(`${path} = 1\n`, { file: "s.toml" });
    assert.ok(faults[0]?.hint?.startsWith(`did you mean ${meant}?`), `${path}: ${faults[0]?.hint}`);
  }
  for (const name of ["sequenceLength", "seeds", "precision", "pretraining.decayAt"]) {
    const [fault] = readStudyText(`[arms.x]\n${name} = 1\n`, { file: "s.toml" }).faults;
    assert.match(fault?.hint ?? "", new RegExp(`^${name} is a value of the whole study, which an arm cannot change`));
    assert.match(fault?.expected ?? "", /a key of \[model\]/);
  }
});

Deno.test("the wrong name of an arm is refused with the nearest right one, and its keys are checked, too", () => {
  for (
    const [name, meant] of [
      ["my.arm", "my-arm"],
      ["UPPER", "upper"],
      ["Ärm 2!", "arm-2"],
      ["-x-", "x"],
      ["a".repeat(70), "a".repeat(64)],
    ] as const
  ) {
    const text = `[arms.${JSON.stringify(name)}]\nfrom = "hymba"\ninnerNorm = false\n`;
    const [fault, inner, ...more] = readStudyText(text, { file: "s.toml" }).faults;
    assert.equal(fault?.at, "s.toml:1:1");
    assert.match(fault?.expected ?? "", /small letters, digits, - and _/);
    assert.equal(fault?.hint, `did you mean [arms.${meant}]?`);
    assert.equal(inner?.at, "s.toml:3:1");
    assert.equal(more.length, 0);
  }
  assert.equal(readStudyText('[arms."日本"]\nfrom = "hymba"\n', { file: "s.toml" }).faults[0]?.hint, undefined);
});
