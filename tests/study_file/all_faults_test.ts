/** All faults of a file are reported at once, each once and where it stands, and no fault that is only a consequence. */
import { strict as assert } from "node:assert";
import { UsageError } from "../../core/errors.ts";
import { KEYS, nameOf, resolveSources, StudyFaults, tableOf } from "../../core/study_file/mod.ts";
import { fc } from "../packages.ts";

/** The lines of the error for a file, without the file's name. */
function faultsOf(text: string): string[] {
  try {
    resolveSources({ file: { path: "s.toml", text } });
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    const lines = error.message.split("\n").filter((line) => line.startsWith("  s.toml:"));
    return (lines.length > 0 ? lines : [error.message.replaceAll(/\s+/g, " ")]).map((line) =>
      line.trim().replace("s.toml:", "")
    );
  }
  return [];
}

/** The place of each fault of a file. */
function placesOf(text: string): string[] {
  try {
    resolveSources({ file: { path: "s.toml", text } });
  } catch (error) {
    assert.ok(error instanceof StudyFaults, String(error));
    return error.faults.map(({ at }) => at);
  }
  return [];
}

const places = (text: string) => faultsOf(text).map((line) => /^\d+:\d+/.exec(line)?.[0]);

Deno.test("decayAt and the sweep are checked together with everything else", () => {
  const text = `seeds = [1, 1]
[model]
dModel = "wide"
[pretraining]
decayAt = [50, 50]
beta1 = 2
[sweep]
over = [
  "pretraining.rat=1,2",
  "pretraining.rate=1e-3",
  "pretraining.rate=fast",
]
seeds = [3, 3]
`;
  assert.deepEqual(places(text), ["1:1", "3:1", "5:1", "5:1", "6:1", "9:3", "11:3", "11:3", "13:1"]);
  const [, , first, second] = faultsOf(text);
  assert.match(first ?? "", /decayAt; expected different numbers; got 50, 50/);
  assert.match(second ?? "", /decayAt; expected schedule = "wsd"; got cosine/);
});

/** A file in which these keys have the value -1, which none of them allows, and the line of each. */
function fileWith(keys: readonly string[]): { text: string; lines: number[] } {
  const lines: string[] = [], found: number[] = [];
  for (const [table, own] of Map.groupBy(keys, tableOf)) {
    if (table !== "") lines.push(`[${table}]`);
    for (const key of own) found.push(lines.push(`${nameOf(key)} = -1`));
  }
  return { text: `${lines.join("\n")}\n`, lines: found };
}

Deno.test("whatever keys have wrong values, all of them are reported, and nothing else", () => {
  // Keys at the top of a file are written first.
  const paths = KEYS.map(({ path }) => path.replace("*", "own")).toSorted((a, b) =>
    Number(a.includes(".")) - Number(b.includes("."))
  );
  fc.assert(
    fc.property(fc.subarray(paths, { minLength: 1, maxLength: 12 }), (keys) => {
      const { text, lines } = fileWith(keys);
      assert.deepEqual(places(text).map((place) => Number(place?.split(":")[0])), lines, text);
    }),
    { numRuns: 300 },
  );
});

Deno.test("arms whose shorter trainings have one fault share a line, others have their own", () => {
  const text = 'models = ["mamba", "hymba"]\n[pretraining]\nschedule = "wsd"\nsteps = 90\ndecayAt = [90]\n';
  assert.match(faultsOf(text).join("\n"), /^5:1: pretraining\.decayAt expected: numbers below the 90 steps/);
  const [one, two, ...more] = faultsOf(`${text}[arms.mamba.pretraining]\nsteps = 80\n`);
  assert.match(one ?? "", /decayAt of mamba; expected numbers below the 80 steps; got 90/);
  assert.match(two ?? "", /decayAt of hymba; expected numbers below the 90 steps; got 90/);
  assert.deepEqual(more, []);
});

Deno.test("an arm shows all its faults, also those between its fields", () => {
  const text = `[arms.x]
from = "hymba"
nKvHeads = 3
headDim = 7
fusion = "concat"
separateOutputs = true
kvGroups = [[2, 1]]
layers = "h x"
[arms.y]
from = "x"
mambaExpand = 0.001
`;
  assert.deepEqual(places(text), ["3:1", "4:1", "7:1", "8:1", "11:1"]);
  // Whether branches are joined at all depends on the pattern.
  assert.deepEqual(places(text.replace("h x", "h l m g w h")), ["3:1", "4:1", "5:1", "7:1", "11:1"]);
});

Deno.test("a fault of a model that arms start from stands in that model", () => {
  assert.deepEqual(places('[arms.a]\nnKvHeads = 3\n[arms.b]\nfrom = "a"\n[arms.c]\nfrom = "b"\n'), ["2:1"]);
  const [own, ...more] = faultsOf('[arms.a]\nnKvHeads = 2\n[arms.b]\nfrom = "a"\nnHeads = 1\n');
  assert.match(own ?? "", /^5:1: arms\.b\.nHeads/);
  assert.deepEqual(more, []);
});

Deno.test("faults in inline tables, in quoted keys and in keys with escapes stand at the key", () => {
  assert.deepEqual(places('arms = { x = { from = "hymba", innerNorm = false, fusion = 3 } }\n'), ["1:32", "1:51"]);
  assert.deepEqual(places("model = { \"d\\u004Dodel\" = 65, 'nHeads' = 4 }\n"), ["1:11"]);
  assert.deepEqual(places('[arms]\nx.pretraining = { rate = "fast", "b\\x61tch" = 0 }\n'), ["2:19", "2:34"]);
});

Deno.test("a quoted name with a dot is no path", () => {
  assert.match(faultsOf('"model.dModel" = 64\n')[0] ?? "", /unknown key .* did you mean model\.dModel, without quotes/);
  assert.match(faultsOf('[model]\n"a.b" = 64\n')[0] ?? "", /^2:1: unknown key/);
});

Deno.test("the keys of a table with a wrong name are checked as well", () => {
  assert.deepEqual(places("[pretrainin]\nrate = -1\nstep = 4\n"), ["1:1", "2:1", "3:1"]);
  assert.deepEqual(places('[arm.x]\nfrom = "hymba"\nstateSize = "big"\n'), ["1:1", "3:1"]);
  assert.deepEqual(places("[model]\nnLayers = -1\n[models]\nx = 3\n"), ["2:1", "3:1"]);
});

Deno.test("wrong items of a list have places of their own, and a dotted key the place of its line", () => {
  assert.deepEqual(places('models = ["hymba", 3,\n"x y"]\nseeds = [1, -2]\n'), ["1:20", "2:1", "3:13"]);
  assert.deepEqual(places('models = [3, "hymba", "hymbo", "x y"]\n'), ["1:11", "1:23", "1:32"]);
  assert.match(faultsOf('models = ["hymba", 3]\n')[0] ?? "", /models, item 2 expected: a name .* got: 3/);
  assert.deepEqual(places("model.dModel = 65\nmodel.nHeads = 4\npretraining.rate.x = 3\n"), ["1:1", "3:1"]);
});

Deno.test("an arm without keys is refused", () => {
  assert.match(faultsOf("[arms.mamba]\n")[0] ?? "", /^1:1: \[arms\.mamba\] is empty/);
  assert.deepEqual(places("[arms.mamba]\n[arms.mamba.pretraining]\n"), ["2:1"]);
});

Deno.test("what follows only from a refused value is not reported", () => {
  for (
    const [text, expected] of [
      // The preset's steps, schedule and width say nothing of those that were meant.
      ['[pretraining]\nschedule = "wsd"\nsteps = "many"\ndecayAt = [100000]\n', ["3:1"]],
      ['[pretraining]\nschedule = "wds"\nsteps = 900\ndecayAt = [300]\n', ["2:1"]],
      ['[pretraining]\nschedule = "wsd"\nstep = 90000\ndecayAt = [30000]\n', ["3:1"]],
      ['preset = "huge"\n[model]\nnHeads = 6\n', ["1:1"]],
      ['preset = "huge"\n[model]\ndModel = 65\nnHeads = 4\n', ["1:1", "3:1"]],
      ['[model]\ndModel = "x"\nnHeads = 7\nnKvHeads = 7\n', ["2:1"]],
      ['[data]\ntrainFraction = "x"\ntestFraction = 0.2\n', ["2:1"]],
      ['suite = 3\nmodels = ["b2-parallel"]\n', ["1:1"]],
      ['models = ["x"]\n[arms.x]\nstateSize = "x"\n', ["3:1"]],
      ['[arms.a]\nfrom = "b"\n[arms.b]\nstateSize = "x"\n', ["4:1"]],
      ['[arms.a]\nfrom = "nothing"\nnKvHeads = 3\n', ["2:1"]],
      ['[arms.a]\nfrom = "nothing"\nnKvHeads = 3\nnHeads = 4\n', ["2:1", "4:1"]],
      ['[pretraining]\nbatch = "x"\naccumulate = 7\n', ["2:1"]],
      ['profile = "sed"\nsuite = "arms"\n', ["1:1"]],
    ] as const
  ) assert.deepEqual(places(text), expected, text);
});

Deno.test("a flag mends a fault of a relation, not a fault of the file", () => {
  const file = { path: "s.toml", text: '[pretraining]\nschedule = "wsd"\nsteps = "x"\ndecayAt = [900]\n' };
  const flags = [{ flag: "--steps", path: "pretraining.steps", value: 500 }];
  assert.throws(
    () => resolveSources({ file, flags }),
    /2 faults[^]*3:1: pretraining\.steps[^]*4:1: pretraining\.decayAt/,
  );
});

Deno.test("a model that no other arm has, but to which all are matched, is checked", () => {
  const text = 'models = ["mamba"]\n[model]\nvalueHeadDim = 3\n';
  assert.deepEqual(faultsOf(text), []);
  assert.match(faultsOf(`match = "parameters"\n${text}`)[0] ?? "", /^4:1: model\.valueHeadDim/);
});

Deno.test("of thousands of faults the first ones are listed, and the others are counted", () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `k${i} = 1\n`).join("");
  assert.throws(() => resolveSources({ file: { path: "s.toml", text } }), (error: UsageError) => {
    assert.match(error.message, /^the study has 20000 faults\n[^]*\n {2}and 19000 more\n/);
    assert.equal(error.message.split("\n").filter((line) => line.startsWith("  s.toml:")).length, 1000);
    return true;
  });
});

Deno.test("a wrong letter in a pattern is reported beside a wrong start of its arm, a wrong length is not", () => {
  const arm = (layers: string) => `[arms.mine]\nform = "hymba"\nlayers = "${layers}"\nnLayers = 3\n`;
  assert.deepEqual(places(arm("h x m")), ["2:1", "3:1"]);
  assert.deepEqual(places(arm("h* m*")), ["2:1", "3:1"]);
  assert.deepEqual(places('[arms.mine]\nform = "hymba"\nlayers = "h m:g m"\n'), ["2:1"]);
});

Deno.test("a key of the written file whose value is still missing is said as that", () => {
  for (const line of ["name = # without it: the name of the file", "headDim = # without it: dModel / nHeads"]) {
    assert.match(
      faultsOf(`preset = "smoke"\n${line}\nseeds = 1\n`).join(),
      /^2:\d+: not TOML.*try: write a value between = and #/,
    );
  }
});

Deno.test("a fault between a value of the file and usual values stands where the file's value is", () => {
  const words = ["1", "0", "3", "7", "0.5", "-1", "100000", '"hymba"', '"h m"', "true", "false", "[1]", "[5,6]"];
  words.push('"interleaved"', '"seed"', '"gate"', '"concat"', '"off"', '"parameters"', '"f16"', '"on"');
  for (const path of KEYS.map((key) => key.path.replace("*", "mine"))) {
    const table = tableOf(path), preset = path === "preset" ? "" : 'preset = "smoke"\n';
    for (const word of words) {
      const places = placesOf(`${preset}${table ? `[${table}]\n` : ""}${nameOf(path)} = ${word}\n`);
      assert.ok(places.every((place) => place.startsWith("s.toml:")), `${path} = ${word}: ${places}`);
    }
  }
});
