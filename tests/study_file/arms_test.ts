/** Arms of a file: where they start from, what they change, and what they may not. */
import { strict as assert } from "node:assert";
import { layersOf } from "../../core/config/mod.ts";
import { matchedStudy } from "../../core/study/match.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { resolveSources } from "../../core/study_file/mod.ts";

const studyOf = (text: string) => resolveSources({ file: { path: "my.toml", text } });
const configs = (text: string) =>
  Object.fromEntries(studyOf(text).study.arms.map(({ name, config }) => [name, config]));

Deno.test("an arm of the file changes a model, an arm of a suite, or another arm", () => {
  const found = configs(`
[arms.no-norms]
from = "hymba"
innerNorms = false
[arms.no-norms-sum]
from = "no-norms"
fusion = "sum"
[arms.mamba]
stateSize = 4
`);
  const names = ["mamba", "transformer-global", "transformer-local", "hybrid-sequential", "hymba"];
  assert.deepEqual(Object.keys(found), [...names, "no-norms", "no-norms-sum"]);
  assert.deepEqual({ ...found["no-norms"] }, { ...found.hymba, innerNorms: false });
  assert.deepEqual({ ...found["no-norms-sum"] }, { ...found["no-norms"], fusion: "sum" });
  assert.equal(found.mamba?.stateSize, 4);
  assert.equal(found.hymba?.stateSize, 16);
});

Deno.test("defaults of an arm follow from its own fields", () => {
  const { wide } = configs('models = ["wide"]\n[arms.wide]\nfrom = "transformer-global"\ndModel = 96\nnHeads = 6\n');
  assert.equal(wide?.headDim, 16);
  assert.equal(wide?.dModel, 96);
});

Deno.test("models chooses among suites and the file, and arms of the file are matched as well", () => {
  const resolved = studyOf('preset = "small"\nmodels = ["one", "samba"]\n[arms.one]\nfrom = "mamba"\nstateSize = 8\n');
  const { arms } = matchedStudy(resolved), counts = arms.map(({ config }) => parameterCount(config));
  assert.deepEqual(arms.map(({ name }) => name), ["one", "samba"]);
  const target = parameterCount(resolved.reference!.config);
  for (const count of counts) assert.ok(Math.abs(count / target - 1) < 0.01);
});

Deno.test("the recall probe asks an arm of the file at its own small size", () => {
  const { study } = studyOf('[arms.one]\nfrom = "hymba"\ndModel = 96\nstateSize = 4\n');
  const [probe] = study.recall!.arms.filter(({ name }) => name === "one");
  assert.equal(probe?.config.dModel, 64);
  assert.equal(probe?.config.stateSize, 4);
  assert.equal(layersOf(probe!.config).length, 2);
});

Deno.test("arms that start from each other, from nothing known, or hold what no model can, are refused with their place", () => {
  assert.throws(
    () => studyOf('[arms.a]\nfrom = "b"\n[arms.b]\nfrom = "a"\n'),
    /my\.toml:[24]:1: arms\.[ab]\.from; expected arms that do not start from each other/,
  );
  assert.throws(() => studyOf('[arms.a]\nfrom = "hymbo"\n'), /my\.toml:2:1: arms\.a\.from: unknown model "hymbo"/);
  assert.throws(
    () => studyOf("[arms.a]\nnKvHeads = 3\n"),
    /my\.toml:2:1: arms\.a\.nKvHeads decides nHeads[^]*a multiple of nKvHeads \(3\)/,
  );
  assert.throws(() => studyOf('models = ["hymba", "hymba"]\n'), /models names hymba twice/);
});

Deno.test("a layer pattern decides the number of layers of its arm, and the probe leaves the arm out", () => {
  const text = 'models = ["mine", "jamba", "mamba"]\n[model]\nnLayers = 8\n' +
    '[arms.mine]\nlayers = "h 2l m g w 2m h"\n[arms.jamba]\nlayers = "7m:g"\nuseMetaTokens = true\n';
  const { study } = studyOf(text);
  assert.deepEqual(study.arms.map(({ config }) => config.nLayers), [9, 8, 8]);
  assert.deepEqual(study.arms.map(({ config }) => config.archType), ["hymba", "hybrid-sequential", "mamba"]);
  assert.deepEqual(study.recall?.arms.map(({ name }) => name), ["mamba"]);
  assert.throws(() => studyOf(`${text}windowed = true\n`), /my\.toml:9:1: arms\.jamba\.windowed[^]*layers decides it/);
  assert.throws(() => studyOf('[arms.a]\nlayers = "h x"\n'), /my\.toml:2:1: arms\.a\.layers[^]*a group in brackets/);
});

Deno.test("a pattern that an arm starts from decides its kind, too", () => {
  const text = '[arms.y]\nlayers = "7h"\n[arms.z]\nfrom = "y"\narchType = "mamba"\n';
  assert.throws(
    () => studyOf(text),
    /my\.toml:5:1: arms\.z\.archType[^]*expected: no value, because arms\.y\.layers decides/,
  );
});

Deno.test("a feed-forward width of one arm is refused where matching decides it", () => {
  const text = "[arms.wide]\nffnHidden = 1000\n";
  assert.throws(
    () => studyOf(`preset = "small"\n${text}`),
    /my\.toml:3:1: arms\.wide\.ffnHidden[^]*expected: no value/,
  );
  assert.equal(configs(text).wide?.ffnHidden, 1000);
});

Deno.test("the name of an arm is checked in flags, too", () => {
  const flags = [{ flag: "--set", path: "arms.A/b.from", value: "hymba" }];
  assert.throws(() => resolveSources({ flags }), /--set: the arm "A\/b"[^]*expected: a name/);
});

Deno.test("a recall task that cannot be asked is refused before anything is trained", () => {
  for (
    const [text, fault] of [
      ["keys = 5000\n[recall.model]\nvocabSize = 33", /recall\.model\.vocabSize[^]*expected: 5017, which is keys/],
      ["ranges = [[3, 5]]", /my\.toml:2:1: recall\.ranges[^]*expected: even distances/],
      ["ranges = [[9, 4]]", /recall\.ranges/],
      ["ranges = [[2, 90]]", /recall\.ranges/],
      ["length = 41", /my\.toml:2:1: recall\.length[^]*expected: an even number of at least 32/],
      ["perRange = 5", /recall\.keys[^]*expected at least 20/],
    ] as const
  ) assert.throws(() => studyOf(`[recall]\n${text}\n`), fault, text);
  assert.throws(() => studyOf("[recall.model]\ndModel = 63\n"), /my\.toml:2:1: recall\.model\.dModel/);
});

Deno.test("starts of arms that models leaves out are checked as well", () => {
  const text =
    'preset = "smoke"\nmodels = ["hymba"]\n[arms.a]\nfrom = "b"\n[arms.b]\nfrom = "a"\n[arms.c]\nfrom = "himba"\n';
  assert.throws(() => studyOf(text), /arms that do not start from each other[^]*arms\.c\.from: unknown model "himba"/);
});

Deno.test("a name of thousands of parts is a fault with its place, not an endless recursion", () => {
  const deep = `preset = "smoke"\n[${Array(3000).fill("a").join(".")}]\nx = 1\n`;
  assert.throws(() => studyOf(deep), /my\.toml:2:1: a name of too many parts/);
  assert.throws(
    () => studyOf(`seeds = 1\n${Array(3000).fill("a").join(".")} = 1\n`),
    /my\.toml:2:1: a name of too many parts/,
  );
});
