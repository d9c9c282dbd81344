/**
 * The shortest run with everything a run keeps on the disk: a run record, a metrics log, checkpoints that are scored and
 * pruned. Its weights are a pure function of the step, so a damaged checkpoint can be recognised.
 */
import { strict as assert } from "node:assert";
import {
  type Disk,
  isTemporary,
  lockFolder,
  LOG_START,
  MetricsLog,
  readLog,
  readText,
  writeAtomic,
} from "../../core/disk/mod.ts";
import {
  type LoadedCheckpoint,
  loadLatest,
  removeOldCheckpoints,
  saveCheckpoint,
} from "../../core/params/checkpoint.ts";

const STEPS = 8, SAVE_EVERY = 2, ELEMENTS = 300;
const RECORD = JSON.stringify({ preset: "scenario", steps: STEPS });

/** The run's weights (F32, over two sectors) after a number of steps. */
function weightsAt(step: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: ELEMENTS }, (_, i) => Math.fround((i + 1) / (step + 1)));
}

/** What the run has been promised to keep, whatever happens. */
export interface Promised {
  record: boolean;
  /** Steps of the last checkpoint whose save returned. */
  step: number;
}

export const nothingPromised = (): Promised => ({ record: false, step: 0 });

const checkpointsOf = (folder: string) => `${folder}/checkpoints/arm`;
const metricsOf = (folder: string) => `${folder}/metrics.jsonl`;

const assertSound = (checkpoint: LoadedCheckpoint) => {
  const { weights, moments } = checkpoint.groups;
  for (const [tensor, step] of [[weights?.w, checkpoint.step], [moments?.w, checkpoint.step + 0.5]] as const) {
    const expected = weightsAt(step);
    assert(tensor?.data.length === ELEMENTS && tensor.data.every((value, i) => value === expected[i]), "weights");
  }
  assert.deepEqual(checkpoint.state, { next: checkpoint.step });
};

async function save(disk: Disk, folder: string, { step, log }: { step: number; log: MetricsLog }) {
  const tensor = (step: number) => ({ w: { dtype: "F32" as const, shape: [ELEMENTS], data: weightsAt(step) } });
  await saveCheckpoint(disk, checkpointsOf(folder), {
    stage: "pretrain",
    step,
    score: step === SAVE_EVERY ? 1 : 2,
    groups: { weights: tensor(step), moments: tensor(step + 0.5) },
    state: { next: step },
    log: await log.sync(),
  });
}

/** Starts or resumes the run and finishes it; writes into `promised` what the disk has acknowledged. */
export async function run(disk: Disk, folder: string, promised: Promised = nothingPromised()): Promise<void> {
  const owned = await lockFolder(disk, folder, { owner: "scenario" });
  try {
    await writeAtomic(disk, `${folder}/run.json`, RECORD);
    promised.record = true;
    const latest = await loadLatest(disk, checkpointsOf(folder));
    await removeOldCheckpoints(disk, checkpointsOf(folder));
    const log = await MetricsLog.open(disk, metricsOf(folder), { position: latest?.log ?? LOG_START });
    for (let step = (latest?.step ?? 0) + 1; step <= STEPS; step++) {
      await log.append({ step, loss: 1 / step });
      if (step % SAVE_EVERY > 0) continue;
      await save(disk, folder, { step, log });
      promised.step = step;
    }
  } finally {
    await owned.close();
  }
}

async function names(disk: Disk, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(folder)) {
    found.push(name);
    if ((await disk.stat(`${folder}/${name}`))?.kind === "folder") {
      found.push(...await names(disk, `${folder}/${name}`));
    }
  }
  return found;
}

/** Throws unless the next start finds everything that was promised, undamaged, and leaves no temporary file. Returns the step found. */
export async function assertRecovers(disk: Disk, folder: string, promised: Promised): Promise<number> {
  await (await lockFolder(disk, folder, { owner: "recovery" })).close();
  assert.deepEqual((await names(disk, folder)).filter(isTemporary), []);
  const record = await disk.stat(`${folder}/run.json`) ? await readText(disk, `${folder}/run.json`) : undefined;
  if (promised.record || record !== undefined) assert.equal(record, RECORD);
  const latest = await loadLatest(disk, checkpointsOf(folder));
  if (latest) assertSound(latest);
  assert((latest?.step ?? 0) >= promised.step, `promised step ${promised.step}, found ${latest?.step}`);
  await MetricsLog.open(disk, metricsOf(folder), { position: latest?.log ?? LOG_START });
  return latest?.step ?? 0;
}

/** Throws unless the folder has the final content of an undisturbed run. */
export async function assertFinished(disk: Disk, folder: string): Promise<void> {
  const latest = await loadLatest(disk, checkpointsOf(folder));
  assert(latest);
  assertSound(latest);
  assert.equal(latest.step, STEPS);
  const steps = Array.from({ length: STEPS }, (_, i) => ({ step: i + 1, loss: 1 / (i + 1) }));
  assert.deepEqual(await readLog(disk, metricsOf(folder)), steps);
  const kept = (await disk.list(checkpointsOf(folder))).filter((name) => name.startsWith("checkpoint-"));
  assert.equal(kept.length, 3, "the two newest and the best");
}
