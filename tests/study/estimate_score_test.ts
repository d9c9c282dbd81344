/** Estimates of studies: the record of estimates, and the counted cost of a cell against the actual one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { cellCosts } from "../../core/study/cell_costs.ts";
import { flopsIn, heldOutTokens, studyFlops } from "../../core/study/estimate.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { cellsNamed } from "../../core/study/cells.ts";
import { besidePlans, corrected, keepScore, readScore, type ScoreEntry } from "../../core/study/estimate_score.ts";
import { filesBelow } from "../../core/study/merge/copy.ts";
import { runStudy } from "../../core/study/study.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const MACHINE = { backend: "cpu", adapter: { name: "WebAssembly", threads: 2 } };
const entry = { what: "cell", predicted_s: 10, actual_s: 20, predicted_bytes: 5, actual_bytes: 8 } as const;

Deno.test("without compared estimates a time is as it was counted; one corrects it; two give an interval", async () => {
  assert.deepEqual(await corrected(7, { entries: [], what: "cell" }), { seconds: 7, from: 0 });
  const one: ScoreEntry = { ...entry, when: "" };
  assert.deepEqual(await corrected(7, { entries: [one], what: "cell" }), { seconds: 14, from: 1 });
  assert.deepEqual(await corrected(7, { entries: [one], what: "study" }), { seconds: 14, from: 0 });
  const { interval } = await corrected(7, { entries: [one, { ...one, actual_s: 40 }], what: "cell" });
  assert.ok(interval && interval[0] < 14 && interval[1] > 28);
  assert.equal(besidePlans([one]), 3);
});

Deno.test("of times that scatter by a factor, nine of ten lie in the interval", async () => {
  let inside = 0, index = 0;
  const uniform = () => randomInteger({ seed: 3, stream: 7, step: 0 }, index++, 1_000_001) / 1_000_000;
  const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-9)) * Math.cos(2 * Math.PI * uniform());
  const time = () => 10 * Math.exp(0.3 * normal() + 0.5);
  const draws = 1000;
  for (let draw = 0; draw < draws; draw++) {
    const entries = Array.from({ length: 5 }, () => ({ ...entry, when: "", actual_s: time() }));
    const { interval } = await corrected(10, { entries, what: "cell" }), next = time();
    if (interval && interval[0] <= next && next <= interval[1]) inside++;
  }
  // Four standard errors of a share of 0.9 in 1000 draws.
  assert.ok(Math.abs(inside / draws - 0.9) < 0.038, `${inside} of ${draws}`);
});

Deno.test("the score is kept by machine and backend, the last forty entries of it; a damaged file is named", async () => {
  const disk = memoryDisk();
  for (let i = 0; i < 42; i++) await keepScore(disk, MACHINE, { entry: { ...entry, actual_s: i }, folder: "cache" });
  const kept = await readScore(disk, MACHINE, "cache");
  assert.deepEqual([kept.length, kept[0]?.actual_s, kept.at(-1)?.actual_s], [40, 2, 41]);
  assert.deepEqual(await readScore(disk, { ...MACHINE, backend: "webgpu" }, "cache"), []);
  const [name = ""] = await disk.list("cache/estimates");
  await disk.truncate(`cache/estimates/${name}`, 20);
  await assert.rejects(readScore(disk, MACHINE, "cache"), /cache\/estimates\/.*\.json is damaged/);
});

Deno.test("the arithmetic of the cells and of the test part is that of the whole study, also with shorter trainings", async () => {
  const text = 'preset = "smoke"\nseeds = 2\nmodels = ["mamba", "hymba"]\n[data]\ntestFraction = 0.05\n' +
    '[pretraining]\nsteps = 40\nwarmup = 4\nschedule = "wsd"\ndecayAt = [10, 20]\n';
  const { study } = resolveSources({ file: { path: "s.toml", text } }), sizes = { characters: 40_000 };
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const costs = cellCosts(executor, study, sizes), held = heldOutTokens(study, sizes);
    const whole = flopsIn(studyFlops(study, held)),
      test = whole - flopsIn(studyFlops(study, { ...held, testTokens: 0 }));
    const sum = costs.reduce((sum, { flops }) => sum + flops, 0);
    assert.ok(test > 0 && Math.abs(sum + test - whole) < 1e-9 * whole, `${sum} + ${test}, ${whole}`);
    // Of 20 steps only the last fifth is trained, and the trunk has all 40.
    const of = (name: string) => costs.find(({ cell }) => cell.arm.name === name)?.flops ?? NaN;
    assert.ok(of("mamba@steps=20") < of("mamba") && of("mamba@steps=10") < of("mamba@steps=20"));
  } finally {
    await executor.close();
  }
});

async function bytesIn(disk: Disk, folder: string): Promise<number> {
  let sum = 0;
  for (const file of await filesBelow(disk, folder)) sum += (await disk.stat(join(folder, file)))?.bytes ?? 0;
  return sum;
}

Deno.test("the folder of a cell is no larger than was counted, and its memory within a factor of four", async () => {
  const study = tinyStudy({ arms: ["hymba"] }), corpus = madeUpCorpus(), disk = memoryDisk();
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const [cost] = cellCosts(executor, study, { characters: corpus.text.length });
    let used = 0;
    const onEvent = () => used = Math.max(used, executor.heap.usedBytes);
    const options = { executor, corpus, disk, folder: "run", environment: ENVIRONMENT, onEvent };
    await runStudy(study, { ...options, cells: cellsNamed("0", study) });
    assert.ok(cost && await bytesIn(disk, "run") <= cost.disk, `${await bytesIn(disk, "run")} > ${cost?.disk}`);
    assert.ok(used > cost.memory / 4 && used < cost.memory * 4, `${used} bytes of memory, ${cost.memory} counted`);
  } finally {
    await executor.close();
  }
});
