/**
 * A whole study of one arm (tokenizer, checkpoints, both stages and the control, results, test part) on a disk that fails or a process that is
 * killed at an operation. Afterwards the same call runs again on a working disk, and must end with the bits of an undisturbed run.
 *
 *     deno run -A tests/study/study_faults.ts [--stride N] [--offset N]     every N-th operation, 1 by default; prints the count
 */
import { strict as assert } from "node:assert";
import { parseArgs } from "node:util";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, DiskError, isTemporary, memoryDisk } from "../../core/disk/mod.ts";
import { runStudy } from "../../core/study/study.ts";
import { loadLatest } from "../../core/params/checkpoint.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { faultingDisk, FAULTS, Killed, killingDisk } from "../disk/faulting.ts";
import { intercept, type Step } from "../disk/intercept.ts";
import { fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const FOLDER = "run", ARM = "mamba", CHECKPOINTS = `${FOLDER}/arms/${ARM}-1/checkpoints`, corpus = madeUpCorpus();

const STUDY = {
  ...tinyStudy({ arms: [ARM] }),
  trainFraction: 0.8,
  split: { kind: "contiguous", testFraction: 0.1, gapCharacters: 0 },
} as const;

const study = (disk: Disk, executor: Executor) =>
  runStudy(STUDY, { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, test: true });

/** A disk between the program and the disk in memory, and the operation at which it failed. */
interface Trouble {
  readonly name: string;
  over(disk: Disk, at: number): { disk: Disk; seen: { hit?: Step } };
}

/** Every fault, once and permanently, and a kill before, during and after. */
export const TROUBLES: readonly Trouble[] = [
  ...FAULTS.flatMap((fault) =>
    [false, true].map((forever): Trouble => ({
      name: `${fault} ${forever ? "for ever" : "once"}`,
      over: (disk, at) => faultingDisk(disk, { at, fault, forever }),
    }))
  ),
  ...(["before", "during", "after"] as const).map((when): Trouble => ({
    name: `killed ${when}`,
    over: (disk, at) => killingDisk(disk, { at, when }),
  })),
];

/** Operations of an undisturbed study. */
async function operationsOf(executor: Executor): Promise<number> {
  let count = 0;
  await study(intercept(memoryDisk(), (_, perform) => (count++, perform())), executor);
  return count;
}

async function temporaries(disk: Disk, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (isTemporary(name)) found.push(path);
    if ((await disk.stat(path))?.kind === "folder") found.push(...await temporaries(disk, path));
  }
  return found;
}

function requireGoodWords(error: unknown, { hit }: { hit?: Step }): void {
  if (error instanceof Killed) return;
  assert.ok(hit && error instanceof DiskError, `${error instanceof Error ? error.stack : error}`);
  assert.equal(error.exitCode, 1);
  assert.match(error.message, /^cannot [^]*\n {2}try: /, "says what and what to do");
}

/** One disturbed study, then the same call again. Throws if that does not end as undisturbed; returns false if no fault occurred. */
async function survives(executor: Executor, trouble: Trouble, of: { at: number; wanted: Record<string, string> }) {
  const disk = memoryDisk(), struck = trouble.over(disk, of.at);
  const error: unknown = await study(struck.disk, executor).then(() => undefined, (error) => error);
  if (error !== undefined) requireGoodWords(error, struck.seen);
  const before = await disk.stat(CHECKPOINTS) ? await loadLatest(disk, CHECKPOINTS) : undefined;
  await study(disk, executor);
  assert.deepEqual(await fingerprint(disk, FOLDER), of.wanted);
  assert.deepEqual(await temporaries(disk, FOLDER), []);
  assert.ok(before === undefined || await loadLatest(disk, CHECKPOINTS) !== undefined);
  return struck.seen.hit !== undefined;
}

export interface Survived {
  readonly operations: number;
  /** Disturbed studies, by the kind of trouble. */
  readonly struck: Readonly<Record<string, number>>;
}

/** Every `stride`-th operation for every kind of trouble. Each kind starts one operation later than the one before. */
export async function troubleEverywhere(
  { stride, offset = 0 }: { stride: number; offset?: number },
): Promise<Survived> {
  const executor = await CpuExecutor.create({ threads: 1 }), struck: Record<string, number> = {};
  try {
    const operations = await operationsOf(executor), straight = memoryDisk();
    await study(straight, executor);
    const wanted = await fingerprint(straight, FOLDER);
    for (const [i, trouble] of TROUBLES.entries()) {
      // Kinds start at different operations, so that even a few of each reach different operations.
      for (let at = (offset + i * Math.ceil(stride / TROUBLES.length)) % stride; at < operations; at += stride) {
        try {
          if (await survives(executor, trouble, { at, wanted })) struck[trouble.name] = (struck[trouble.name] ?? 0) + 1;
        } catch (error) {
          throw new Error(`${trouble.name} at operation ${at} of ${operations}`, { cause: error });
        }
      }
    }
    return { operations, struck };
  } finally {
    await executor.close();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: { stride: { type: "string", default: "1" }, offset: { type: "string", default: "0" } },
  });
  const found = await troubleEverywhere({ stride: Number(values.stride), offset: Number(values.offset) });
  for (const [name, count] of Object.entries(found.struck)) console.log(`${name}: ${count}`);
  const all = Object.values(found.struck).reduce((sum, count) => sum + count, 0);
  console.log(
    `${all} studies in trouble at the ${found.operations} operations of a study, all ended with the same bits`,
  );
}
