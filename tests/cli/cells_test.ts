/** Cells of a study in several processes on one machine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const STUDY = [
  "--preset",
  "smoke",
  "--backend",
  "cpu",
  "--threads",
  "1",
  "--data",
  place.text,
  "--models",
  "mamba,hymba",
];
const SMALL = [...STUDY, "--steps", "4", "--orpo-steps", "2", "--set", "recall.probe=false"];

Deno.test("two processes with cells side by side and one cache folder: both end, and both are in the score", async () => {
  const cells = ["0", "1"].map((cell) => hymba(place, "ablate", ...SMALL, "--out", "side", "--cell", cell));
  for (const { code, error } of await Promise.all(cells)) assert.equal(code, 0, error);
  const folder = join(place.folder, "cache", "hymba", "estimates");
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.endsWith(".json"));
  assert.equal(names.length, 1);
  const { entries } = JSON.parse(await Deno.readTextFile(join(folder, names[0] ?? "")));
  assert.deepEqual(entries.map(({ what }: { what: string }) => what), ["cell", "cell"]);
});

Deno.test("a score that cannot be kept is a warning, and the study ends as usual", async () => {
  const cache = join(place.folder, "cache", "hymba");
  await Deno.rename(join(cache, "estimates"), join(cache, "before"));
  await Deno.writeTextFile(join(cache, "estimates"), "in the way");
  const { code, error } = await hymba(place, "ablate", ...SMALL, "--out", "blocked", "--cell", "0");
  assert.equal(code, 0, error);
  assert.match(error, /warning: the score of estimates is left out, and the study goes on: cannot make folder/);
  await Deno.remove(join(cache, "estimates"));
  await Deno.rename(join(cache, "before"), join(cache, "estimates"));
});
