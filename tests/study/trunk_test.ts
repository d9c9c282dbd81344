import { strict as assert } from "node:assert";
import { join } from "node:path";
import type { Arm, StudyConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { Interrupted } from "../../core/errors.ts";
import type { StudyOptions } from "../../core/study/arm_run.ts";
import { cellsOf, groupsOf } from "../../core/study/cells.ts";
import { mergeRuns } from "../../core/study/merge/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const corpus = madeUpCorpus(), FOLDER = "run";

/** A trunk of 20 steps, and trainings of 10 and 5, which fall behind steps 8 and 4. */
function study({ trunk }: { trunk: boolean }): StudyConfig {
  const tiny = tinyStudy({ arms: ["hymba"], seeds: [1, 2] });
  const pretraining = { ...tiny.pretraining, steps: 20, evaluateEvery: 4, schedule: "wsd" as const, cooldown: 0.2 };
  const arms = tiny.arms.flatMap((arm): Arm[] => [
    arm,
    ...[10, 5].map((steps) => ({
      ...arm,
      name: `hymba@steps=${steps}`,
      pretraining: { steps },
      ...(trunk ? { trunk: "hymba" } : {}),
    })),
  ]);
  return { ...tiny, pretraining, arms, lastStage: "pretraining" };
}

type Only = Partial<Pick<StudyOptions, "folder" | "cells" | "branchCells" | "trunkFolder">>;

/** Runs the study or cells of it; stops at the check after `looks` checks. Returns how many updates each arm made. */
async function run(
  disk: Disk,
  wanted: StudyConfig,
  { looks = Infinity, ...only }: Only & { looks?: number } = {},
): Promise<Record<string, number>> {
  const executor = await CpuExecutor.create({ threads: 1 }), { signal } = new AbortController();
  const updates: Record<string, number> = {};
  let asked = 0;
  Object.defineProperty(signal, "aborted", { get: () => ++asked > looks });
  try {
    await runStudy(wanted, {
      ...{ executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, signal, ...only },
      onEvent: ({ kind, arm }) => {
        if (kind === "step") updates[arm] = (updates[arm] ?? 0) + 1;
      },
    });
  } finally {
    await executor.close();
  }
  return updates;
}

/** Everything but the record, which names the trunk. */
async function bitsOf(disk: Disk, folder = FOLDER) {
  const { record: _, ...rest } = await fingerprint(disk, folder);
  return rest;
}

Deno.test("trainings that branch off a trunk have the bits and the log of trainings from the start, with fewer updates", async () => {
  const whole = memoryDisk(), branched = memoryDisk();
  const all = await run(whole, study({ trunk: false })), few = await run(branched, study({ trunk: true }));
  assert.deepEqual(all, { "hymba": 40, "hymba@steps=10": 20, "hymba@steps=5": 10 });
  assert.deepEqual(few, { "hymba": 40, "hymba@steps=10": 4, "hymba@steps=5": 2 });
  assert.deepEqual(await bitsOf(branched), await bitsOf(whole));
  assert.deepEqual(await branched.list(join(FOLDER, "arms/hymba-1/branches")), []);
});

Deno.test("a study with a trunk that is stopped again and again ends with the same bits", async () => {
  const straight = memoryDisk(), stopped = memoryDisk(), wanted = study({ trunk: true });
  await run(straight, wanted);
  let stops = 0;
  for (;; stops++) {
    try {
      await run(stopped, wanted, { looks: 10 + 3 * stops });
      break;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    }
  }
  assert.ok(stops >= 3, `${stops} stops`);
  assert.deepEqual(await bitsOf(stopped), await bitsOf(straight));
});

Deno.test("cells of a trunk in folders of their own start from it, and a merge has the bits of the whole study", async () => {
  const whole = memoryDisk(),
    apart = memoryDisk(),
    wanted = study({ trunk: true }),
    updates: Record<string, number> = {};
  await run(whole, wanted);
  const groups = groupsOf(cellsOf(wanted));
  assert.deepEqual(groups.map((cells) => cells.map(({ index }) => index)), [[0, 1, 2], [3, 4, 5]]);
  for (const [trunk, ...branchCells] of groups) {
    if (!trunk) continue;
    const trunkFolder = `cells/${trunk.index}`;
    const made = [await run(apart, wanted, { folder: trunkFolder, cells: [trunk], branchCells })];
    for (const cell of branchCells) {
      made.push(await run(apart, wanted, { folder: `cells/${cell.index}`, cells: [cell], trunkFolder }));
    }
    for (const [name, count] of made.flatMap(Object.entries)) updates[name] = (updates[name] ?? 0) + count;
    assert.deepEqual(await apart.list(`${trunkFolder}/arms/hymba-${trunk.seed}/branches`), []);
  }
  assert.deepEqual(updates, { "hymba": 40, "hymba@steps=10": 4, "hymba@steps=5": 2 });
  assert.deepEqual((await mergeRuns(apart, ["cells"], { out: "merged" })).missing, []);
  assert.deepEqual(await bitsOf(apart, "merged"), await bitsOf(whole));
});

Deno.test("a checkpoint that is kept for a cell that never came is no file of a merged run", async () => {
  const disk = memoryDisk(), wanted = study({ trunk: true }), [trunk, ...branchCells] = cellsOf(wanted).slice(0, 3);
  if (!trunk) throw new Error("no trunk");
  await run(disk, wanted, { folder: "cells/0", cells: [trunk], branchCells });
  assert.deepEqual(await disk.list("cells/0/arms/hymba-1/branches"), ["4", "8"]);
  await mergeRuns(disk, ["cells"], { out: "merged" });
  assert.ok(!(await disk.list("merged/arms/hymba-1")).includes("branches"));
});

const FILE = 'preset = "smoke"\nmodels = ["mamba", "hymba"]\n[pretraining]\nsteps = 40\nwarmup = 4\n';
const resolved = (text: string) => resolveSources({ file: { path: "s.toml", text: `${FILE}${text}` } }).study;

Deno.test("decayAt makes arms of its own behind each arm", () => {
  const { arms } = resolved('schedule = "wsd"\ndecayAt = [10, 20]\n');
  assert.deepEqual(arms.map(({ name, trunk, pretraining }) => [name, trunk, pretraining?.steps]), [
    ["mamba", undefined, undefined],
    ["mamba@steps=10", "mamba", 10],
    ["mamba@steps=20", "mamba", 20],
    ["hymba", undefined, undefined],
    ["hymba@steps=10", "hymba", 10],
    ["hymba@steps=20", "hymba", 20],
  ]);
});

Deno.test("decayAt needs wsd, lengths below the steps and above the warm-up, and no other budget", () => {
  for (
    const [text, expected] of [
      ["decayAt = [10]", /schedule = "wsd"[^]*cosine/],
      ['schedule = "wsd"\ndecayAt = [40]', /numbers below the 40 steps/],
      ['schedule = "wsd"\ndecayAt = [6]', /at least twice the warm-up of 4 steps/],
      ['schedule = "wsd"\ndecayAt = [10, 10]', /different numbers/],
      [
        'schedule = "wsd"\ndecayAt = [10]\n[arms.mamba.pretraining]\nsteps = 8',
        /decayAt of mamba[^]*below the 8 steps/,
      ],
    ] as const
  ) assert.throws(() => resolved(text), expected);
  const flops = `budget = "flops"\n${FILE}schedule = "wsd"\ndecayAt = [10]\n`;
  assert.throws(() => resolveSources({ file: { path: "s.toml", text: flops } }), /no budget of flops or seconds/);
});
