/** progress.json: the progress of a study, read only from its folder. */
import { type Arm, type StudyConfig, studyOfArm } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { at, mean } from "../lists.ts";
import type { CellView, ProgressView, SampleView } from "../page/views.ts";
import { armFolder, loadCurves, type MetricsLine, type Run, type StageName, type StageRecord } from "../record/mod.ts";
import { chartData } from "../report/interactive/chart_data.ts";
import { readStage } from "../study/arm_stage.ts";
import { cellsOf } from "../study/cells.ts";
import { stagesOf } from "../study/stage_plans.ts";
import { trainedFiles } from "./trained.ts";

/** A stage of one cell: the plan, and the state from the log and the records. */
interface StageState {
  readonly arm: string;
  readonly seed: number;
  readonly stage: StageName;
  readonly steps: number;
  /** Text tokens of an update. */
  readonly tokens: number;
  readonly record?: StageRecord;
  /** The newest lines of its training and of its evaluation. */
  readonly train?: MetricsLine;
  readonly evaluation?: MetricsLine;
}

/** Reads how far a study is. Throws a HymbaError when a file of it is damaged. */
export async function progressOf(disk: Disk, folder: string): Promise<ProgressView> {
  const run = await loadCurves(disk, folder), stages = await statesOf(disk, folder, run);
  const cells = cellsOf(run.record.study).map((cell) => cellOf(cell, { run, stages }));
  const models = await trainedFiles(disk, folder, run.record);
  return {
    finished: cells.every(({ state }) => state === "done" || state === "failed"),
    ...timeOf(stages, cells),
    cells,
    charts: chartData(run),
    samples: samplesOf(stages),
    models: models.map(({ path: _, ...model }) => model),
  };
}

const keyOf = ({ arm, seed, stage }: { arm: string; seed: number; stage?: string }) => `${arm} ${seed} ${stage}`;

/** Every stage of every cell, in the order of the study. */
async function statesOf(disk: Disk, folder: string, { record: { study }, metrics }: Run): Promise<StageState[]> {
  const train = new Map<string, MetricsLine>(), evaluation = new Map<string, MetricsLine>(), found: StageState[] = [];
  for (const line of metrics) {
    if (line.kind === "train") train.set(keyOf(line), line);
    if (line.kind === "evaluation") evaluation.set(keyOf(line), line);
  }
  for (const { arm, seed } of cellsOf(study)) {
    for (const stage of stagesOf(study)) {
      const key = keyOf({ arm: arm.name, seed, stage });
      const record = await readStage(disk, armFolder(folder, arm.name, seed), stage);
      const newest = { record, train: train.get(key), evaluation: evaluation.get(key) };
      found.push({ arm: arm.name, seed, stage, ...planOf(study, arm, stage), ...newest });
    }
  }
  return found;
}

/** Updates of a stage, and the text tokens of each. */
function planOf(study: StudyConfig, arm: Arm, stage: StageName): Pick<StageState, "steps" | "tokens"> {
  const { pretraining, orpo, preference, sequenceLength } = studyOfArm(study, arm);
  if (stage === "pretraining") return { steps: pretraining.steps, tokens: pretraining.batch * sequenceLength };
  const pairs = 2 * (preference.promptTokens + preference.completionTokens - 1);
  return { steps: orpo.steps, tokens: orpo.batch * (preference.loss === "orpo" ? pairs : sequenceLength) };
}

function cellOf(
  { arm: { name: arm }, seed }: { arm: Arm; seed: number },
  { run, stages }: { run: Run; stages: readonly StageState[] },
): CellView {
  const own = stages.filter((state) => state.arm === arm && state.seed === seed);
  const failure = run.metrics.find((line) => line.kind === "failure" && line.arm === arm && line.seed === seed);
  const done = own.every(({ record }) => record !== undefined),
    hasBegun = ({ train, record }: StageState) => train !== undefined || record !== undefined;
  // A finished model is shown as its last stage left it; the control is not a stage of the model.
  const shown = done ? own.filter(({ stage }) => stage !== "control") : own;
  const begun = shown.findLast(hasBegun) ?? at(own, 0), step = stepOf(begun);
  return {
    arm,
    seed,
    state: failure ? "failed" : done ? "done" : step > 0 ? "training" : "waiting",
    ...(step > 0 && { stage: begun.stage }),
    step,
    steps: begun.steps,
    loss: begun.train?.loss ?? undefined,
    validation: begun.evaluation?.loss ?? undefined,
    tokens_per_s: begun.train?.tokens_per_s ?? undefined,
    ...(failure && { message: failure.message ?? "" }),
  };
}

const stepOf = ({ record, steps, train }: StageState) => record ? steps : train?.step ?? 0;

/**
 * The share of all text tokens that were trained on, and the remaining time at the newest speed of each arm and stage, else at
 * the mean of the known speeds. The share does not follow from speeds: they change, and it would go back. A failed cell is done.
 */
function timeOf(stages: readonly StageState[], cells: readonly CellView[]): Pick<ProgressView, "share" | "left_s"> {
  const failed = new Set(cells.filter(({ state }) => state === "failed").map(({ arm, seed }) => `${arm} ${seed}`));
  const stepsLeft = (state: StageState) =>
    failed.has(`${state.arm} ${state.seed}`) ? 0 : Math.max(0, state.steps - stepOf(state));
  const total = (of: (state: StageState) => number) => stages.reduce((sum, state) => sum + of(state), 0);
  const all = total(({ steps, tokens }) => steps * tokens), left = total((one) => stepsLeft(one) * one.tokens);
  const share = all > 0 ? 1 - left / all : 1, speedOf = speedsIn(stages);
  const seconds = total((state) => stepsLeft(state) === 0 ? 0 : stepsLeft(state) * state.tokens / speedOf(state));
  return Number.isNaN(seconds) ? { share } : { share, left_s: seconds };
}

/** The expected speed of a stage in tokens per second; NaN while no speed is known. */
function speedsIn(stages: readonly StageState[]): (state: StageState) => number {
  const meanOf = (some: readonly StageState[]) => {
    const known = some.map(({ train }) => train?.tokens_per_s ?? 0).filter((speed) => speed > 0);
    return known.length > 0 ? mean(known) : undefined;
  };
  return (state) => {
    const alike = stages.filter(({ stage }) => stage === state.stage);
    return meanOf([state]) ?? meanOf(alike.filter(({ arm }) => arm === state.arm)) ?? meanOf(alike) ??
      meanOf(stages) ?? NaN;
  };
}

const samplesOf = (stages: readonly StageState[]): SampleView[] =>
  stages.flatMap(({ arm, seed, stage, record }) =>
    (record?.samples ?? []).map(({ prompt, text }) => ({ arm, seed, stage, prompt, text }))
  );
