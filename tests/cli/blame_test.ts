import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const SMALL = ["--preset", "smoke", "--backend", "cpu", "--data", place.text, "--steps", "3"];
const WORDS = ["blame", "mamba", "transformer-global", ...SMALL, "--seeds", "2", "--out", "blamed"];
const TUNE = ["--over", "pretraining.rate=1e-3,2e-2", "--sweep-seeds", "1", "--extend", "0"];

const read = (path: string) => Deno.readTextFile(join(place.folder, path));

Deno.test("blame tunes, trains and attributes; the same command again trains nothing and writes the same", async () => {
  const first = await hymba(place, ...WORDS, ...TUNE);
  assert.equal(first.code, 0, first.error);
  assert.match(first.out, /From mamba to transformer-global: .* nats .* on the test part, 2 seeds/);
  assert.match(first.out, /pretraining\.rate was chosen for each model by a sweep on the validation part/);
  const json = await read("blamed/blame.json"), blame = JSON.parse(json);
  const [a, b] = blame.models.map(({ losses }: { losses: number[] }) => losses);
  for (const [i, share] of blame.changes[0].bySeed.entries()) assert.ok(Math.abs(share - (b[i] - a[i])) < 1e-12);
  assert.equal(blame.changes[0].share.mean, blame.total.mean);
  assert.deepEqual(
    blame.models.map(({ choice }: { choice: unknown }) => choice),
    Array(2).fill({ "pretraining.rate": 0.02 }),
  );
  assert.match(await read("blamed/blame.csv"), /^archType,.*,2,test,all$/m);
  assert.ok((await Deno.stat(join(place.folder, "blamed/blame.png"))).size > 5000);
  const again = await hymba(place, ...WORDS, ...TUNE, "--json");
  assert.equal(again.code, 0, again.error);
  assert.doesNotMatch(again.error, /done=/);
  assert.equal(await read("blamed/blame.json"), json);
});

Deno.test("blame refuses one model twice, keys of the model, a budget, seeds of the sweep and a foreign folder", async () => {
  await Deno.mkdir(join(place.folder, "mine"), { recursive: true });
  await Deno.writeTextFile(join(place.folder, "mine/notes.txt"), "mine");
  for (
    const [words, expected] of [
      [["blame", "mamba", "mamba", ...SMALL], /are the same model/],
      [["blame", "mamba", "nobody", ...SMALL], /unknown model "nobody"/],
      [["blame", "mamba", "hymba", ...SMALL, "--over", "model.stateSize=4,8"], /not model\.stateSize/],
      [["blame", "mamba", "hymba", ...SMALL, "--set", "budget=flops"], /not with a budget of flops/],
      [["blame", "mamba", "hymba", ...SMALL, ...TUNE, "--seeds", "10001,3"], /choice with seed 10001/],
      [["blame", "mamba", "transformer-global", ...SMALL, "--out", "mine"], /is not a blame/],
    ] as const
  ) {
    const { code, error } = await hymba(place, ...words);
    assert.equal(code, 2, error);
    assert.match(error, expected);
  }
});
