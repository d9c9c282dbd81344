/**
 * Stops a study of one arm at every update, batch of an evaluation and sampled token of its three stages; each resume is stopped
 * again at the next place. At each place, a separate run continues from the files on the disk to the end. Its weights, moments, data
 * position, metrics and results must have the SHA-256 of the uninterrupted run.
 *
 *     deno run -A tests/study/resume.ts [--models A,B]     every place of every model; prints how many of how many
 */
import { strict as assert } from "node:assert";
import { parseArgs } from "node:util";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { type Disk, memoryDisk } from "../../core/disk/mod.ts";
import { Interrupted } from "../../core/errors.ts";
import { runStudy } from "../../core/study/study.ts";
import { smallModels } from "../train/models.ts";
import { copied, fingerprint } from "./fingerprint.ts";
import { ENVIRONMENT, madeUpCorpus, tinyStudy } from "./tiny_study.ts";

const FOLDER = "run", corpus = madeUpCorpus();

/** A signal that asks to stop at the check after `looks` checks. */
function stoppingSignal(looks: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  Object.defineProperty(signal, "aborted", { get: () => ++asked > looks });
  return signal;
}

/** Starts or resumes the study on a new executor, as a new process does. */
async function study(disk: Disk, { arm, signal }: { arm: string; signal?: AbortSignal }): Promise<void> {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    const options = { executor, corpus, disk, folder: FOLDER, environment: ENVIRONMENT, signal };
    await runStudy(tinyStudy({ arms: [arm] }), options);
  } finally {
    await executor.close();
  }
}

/** The place where a study stopped; undefined if it finished. */
async function stopOf(disk: Disk, { arm, looks }: { arm: string; looks: number }): Promise<string | undefined> {
  try {
    await study(disk, { arm, signal: stoppingSignal(looks) });
    return undefined;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return /stopped (\w+ step \d+) of \d+ \(.*, (\w+)\)/.exec(error.message)?.slice(1).join(" ") ?? error.message;
  }
}

export interface Resumes {
  /** Every place where the study was stopped, in order. */
  readonly stops: readonly string[];
  /** Runs that continued from a place to the end, and how many of them ended with the bits of the uninterrupted run. */
  readonly resumed: number;
  readonly same: number;
}

/** Stops one arm at every place. A separate run continues from every `stride`-th place, and one from the last. */
export async function stopEverywhere(arm: string, { stride = 1 } = {}): Promise<Resumes> {
  const straight = memoryDisk(), stopped = memoryDisk(), stops: string[] = [];
  await study(straight, { arm });
  const wanted = await fingerprint(straight, FOLDER);
  let resumed = 0, same = 0;
  const compare = async (disk: Disk, place: string) => {
    resumed++;
    const found = await fingerprint(disk, FOLDER);
    const differs = Object.keys({ ...wanted, ...found }).filter((what) => wanted[what] !== found[what]);
    if (differs.length === 0) same++;
    else console.log(`${arm}, ${place}: differs in ${differs.join(", ")}`);
  };
  for (let looks = 2, place: string | undefined; (place = await stopOf(stopped, { arm, looks })) !== undefined;) {
    looks = place === stops.at(-1) ? looks + 1 : 2;
    stops.push(place);
    if (stops.length % stride !== 0) continue;
    const fork = await copied(stopped, FOLDER);
    await study(fork, { arm });
    await compare(fork, place);
  }
  await compare(stopped, "after all stops");
  return { stops, resumed, same };
}

/** Throws unless the places include every update except the last, every last evaluation and the sampling. */
export function requireEveryPlace({ stops }: Resumes): void {
  for (const [stage, steps] of [["pretraining", 6], ["orpo", 3], ["control", 3]] as const) {
    for (let step = 1; step < steps; step++) {
      assert.ok(stops.includes(`at step ${step} ${stage}`), `no stop at ${step} of ${stage}`);
    }
    assert.ok(stops.includes(`evaluating step ${steps} ${stage}`), `no stop in the last evaluation of ${stage}`);
  }
  for (const work of ["evaluating", "sampling"]) {
    assert.ok(stops.some((stop) => stop.startsWith(`stopped while ${work}`)), `no stop while ${work}`);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ args: Deno.args, options: { models: { type: "string" } } });
  let resumed = 0, same = 0;
  for (const arm of values.models?.split(",") ?? smallModels().map(({ name }) => name)) {
    const found = await stopEverywhere(arm);
    requireEveryPlace(found);
    [resumed, same] = [resumed + found.resumed, same + found.same];
    console.log(`${arm}: stopped ${found.stops.length} times, ${found.same} of ${found.resumed} resumed runs the same`);
  }
  console.log(`${same} of ${resumed} resumed runs ended with the bits of the straight run`);
  if (same !== resumed) Deno.exit(1);
}
