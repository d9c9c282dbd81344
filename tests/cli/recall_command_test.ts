/** The command `hymba recall`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const sizeOf = async (path: string) => (await Deno.stat(path)).size;

Deno.test("recall writes its table and picture, with the same numbers for the same seed", async () => {
  const words = "recall --preset smoke --models mamba --backend cpu --steps 2 --out probe".split(" ");
  const accuracies = async () => {
    const { code, out, error } = await hymba(place, ...words, "--json");
    assert.equal(code, 0, error);
    return JSON.parse(out).results.map(({ train_s: _, ...rest }: { train_s: number }) => rest);
  };
  assert.deepEqual(await accuracies(), await accuracies());
  assert.match(await Deno.readTextFile(join(place.folder, "probe/recall.csv")), /^model,seed,.*\nmamba,1,\d+,2,/);
  assert.ok(await sizeOf(join(place.folder, "probe/recall.png")) > 10_000);
});

Deno.test("recall takes a study file, chooses a rate for each model, and shows what a model carries", async () => {
  const text =
    'preset = "smoke"\nmodels = ["mamba"]\n[recall]\nsteps = 4\nevaluateEvery = 2\nkeys = 20\n[recall.model]\ndModel = 32\n';
  await Deno.writeTextFile(join(place.folder, "task.toml"), text);
  const words = "recall task.toml --backend cpu --rates 1e-3,1e-2 --set recall.model.stateSize=4 --out tuned --json";
  const { code, out, error } = await hymba(place, ...words.split(" "));
  assert.equal(code, 0, error);
  const { results: [result], tried } = JSON.parse(out);
  assert.deepEqual(tried.map(({ rate }: { rate: number }) => rate), [0.001, 0.001, 0.01, 0.01]);
  assert.ok([0.001, 0.01].includes(result.rate));
  assert.equal(result.steps_to_90, null);
  const [, row] = (await Deno.readTextFile(join(place.folder, "tuned/recall.csv"))).split("\n");
  // Two layers, 64 channels, a state of 4 and 3 columns of the convolution, 4 bytes a number.
  assert.ok(row!.endsWith(`,${result.rate},,${2 * 64 * (4 + 3) * 4}`), row);
  assert.match(
    await Deno.readTextFile(join(place.folder, "tuned/recall_rates.csv")),
    /^model,rate,seed,accuracy,loss_nats\n/,
  );
  assert.ok(await sizeOf(join(place.folder, "tuned/recall_state.png")) > 10_000);
});
