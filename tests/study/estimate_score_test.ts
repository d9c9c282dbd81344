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

/** Runs of a kind with these counted and actual times. */
const runs = (what: "cell" | "study", times: readonly (readonly [counted: number, actual: number])[]): ScoreEntry[] =>
  times.map(([predicted_s, actual_s]) => ({ ...entry, when: "", what, predicted_s, actual_s }));

/** A corrected time without its interval, to three digits. */
async function secondsFor(counted: number, entries: readonly ScoreEntry[], what: "cell" | "study" = "cell") {
  const { seconds, from } = await corrected(counted, { entries, what });
  return { seconds: Number(seconds.toPrecision(3)), from };
}

Deno.test("without compared estimates a time is as it was counted; one corrects it; three give an interval", async () => {
  assert.deepEqual(await corrected(7, { entries: [], what: "cell" }), { seconds: 7, from: 0 });
  const one = runs("cell", [[10, 20]]), three = runs("cell", [[10, 20], [10, 40], [10, 30]]);
  assert.deepEqual(await secondsFor(7, one), { seconds: 14, from: 1 });
  assert.deepEqual(await secondsFor(7, one, "study"), { seconds: 14, from: 1 });
  assert.equal((await corrected(7, { entries: three.slice(1), what: "cell" })).interval, undefined);
  const { interval, correction } = await corrected(7, { entries: three, what: "cell" });
  assert.ok(interval && interval[0] < 14 && interval[1] > 28);
  assert.deepEqual(Object.values(correction ?? {}).map((value) => Number(value.toPrecision(6))), [3, 3, 2, 4]);
  assert.equal(besidePlans(one), 3);
});

Deno.test("a study on a busy machine corrects no later one, and a machine that is slow from now on does", async () => {
  const cells = runs("cell", Array.from({ length: 6 }, () => [15, 13])), busy = runs("study", [[612, 6119]]);
  assert.deepEqual(await secondsFor(612, [...cells, ...busy], "study"), { seconds: 530, from: 1 });
  assert.deepEqual(await secondsFor(15, [...cells, ...busy]), { seconds: 13, from: 5 });
  const slow = runs("cell", [[15, 130], [15, 130], [15, 130]]);
  assert.equal((await secondsFor(15, [...cells, ...slow.slice(1)])).seconds, 13);
  assert.equal((await secondsFor(15, [...cells, ...slow])).seconds, 130);
});

Deno.test("the start and the measurements of a short study are no factor of a long one, but one of the next short one", async () => {
  const short = runs("study", Array.from({ length: 6 }, () => [0.3, 3.8]));
  assert.deepEqual(await secondsFor(0.3, short, "study"), { seconds: 3.8, from: 5 });
  assert.deepEqual(await secondsFor(600, short, "study"), { seconds: 604, from: 0 });
  assert.equal((await corrected(600, { entries: short, what: "study" })).interval, undefined);
  // One that was slow throughout is seen as soon as there is one of about the size.
  const long = runs("study", [[500, 1500], [700, 2100], [600, 1800]]);
  assert.equal((await secondsFor(600, [...short, ...long], "study")).seconds, 1800);
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
