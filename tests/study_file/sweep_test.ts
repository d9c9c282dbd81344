import { strict as assert } from "node:assert";
import { resolveSources, sweepOf } from "../../core/study_file/mod.ts";

/** The sweep of a file. */
const sweep = (text: string) => sweepOf(resolveSources({ file: { path: "s.toml", text } }).values);

Deno.test("a sweep is read from the file: keys, values of every type, seeds from 10001 on", () => {
  const read = sweep(`[sweep]
over = ["pretraining.rate=1e-3, 2e-3", "model.globalAttnIndices=[0],[0, 2]", "model.fusion=mean,sum"]
perArm = true`);
  assert.deepEqual(read, {
    over: [
      { path: "pretraining.rate", values: [1e-3, 2e-3] },
      { path: "model.globalAttnIndices", values: [[0], [0, 2]] },
      { path: "model.fusion", values: ["mean", "sum"] },
    ],
    seeds: [10001, 10002],
    perArm: true,
    extend: 3,
  });
  const other = sweep(`[sweep]\nover = ["arms.hymba.stateSize=8,16"]\nseeds = [7, 3]\nextend = 0`);
  assert.deepEqual([other.seeds, other.extend, other.perArm], [[7, 3], 0, false]);
});

Deno.test("all faults of a sweep come together, with the place in the file", () => {
  const over = ["pretraining.rat=1", "pretraining.rate=1,fast", "orpo.rate=1,2", "model.vocabSize=9,10", "x"];
  assert.throws(() => sweep(`[sweep]\nover = ${JSON.stringify(over)}\nseeds = [1, 1]`), (error: Error) => {
    assert.match(error.message, /6 faults/);
    for (
      const line of [
        /s\.toml:2:\d+: unknown key "pretraining\.rat"; did you mean pretraining\.rate/,
        /pretraining\.rate; expected a number from 0 to 1000; got "fast"/,
        /orpo\.rate cannot be swept; expected a key of model, of pretraining or of an arm/,
        /model\.vocabSize cannot be swept/,
        /"x"; expected KEY=A,B/,
        /s\.toml:3:\d+: sweep\.seeds; expected different seeds/,
      ]
    ) assert.match(error.message, line);
    return true;
  });
  assert.throws(() => sweep(`[sweep]\nover = ["pretraining.rate=1,1"]`), /a value twice/);
  assert.throws(() => sweep(`[sweep]\nover = ["pretraining.rate=1", "pretraining.rate=2"]`), /swept twice/);
  assert.throws(
    () => sweep(`[sweep]\nover = ["arms.nobody.stateSize=8,16"]`),
    /s\.toml:2:9: arms\.nobody\.stateSize: unknown model "nobody"/,
  );
  assert.deepEqual(sweep(`[sweep]\nover = ["arms.samba.stateSize=8,16"]`).over.length, 1);
  assert.throws(() => sweep(""), /names no keys to sweep over/);
});
