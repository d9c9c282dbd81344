/** The test part of a study: every trained model is evaluated on it once, after all training. */
import { join } from "node:path";
import type { StudyConfig } from "../config/mod.ts";
import { bigramLoss, unigramLoss } from "../data/baselines.ts";
import { type Part, predictedTokens, type Text, type TokenData } from "../data/parts.ts";
import type { Disk } from "../disk/mod.ts";
import { qualityOf, qualityOfTokens } from "../eval/quality.ts";
import { present } from "../lists.ts";
import type { Executor } from "../plan/mod.ts";
import {
  addReading,
  type ArmResult,
  FILES,
  loadRun,
  readArmTest,
  type RunRecord,
  type StageName,
  STAGES,
  writeArmTest,
  writeTestBaselines,
} from "../record/mod.ts";
import { modelOfRun, TrainedModel } from "./one_model.ts";

interface Place {
  readonly disk: Disk;
  readonly folder: string;
  readonly executor: Executor;
  readonly record: RunRecord;
  /** The command, for the list of evaluations. */
  readonly command: string;
  readonly tokens: TokenData;
  readonly signal?: AbortSignal;
  readonly onModel?: (of: { arm: string; seed: number }) => void;
}

const stagesIn = ({ stages }: Pick<ArmResult, "stages">): StageName[] => STAGES.filter((stage) => stages[stage]);

/**
 * Evaluates the models that have no test result, and the baselines. The list of evaluations gets their names first. After a
 * kill, the next call evaluates only the missing ones. Does nothing if the study has no test part.
 */
export async function readTestPart(study: StudyConfig, place: Place): Promise<void> {
  const { disk, folder, tokens: { train, test }, command } = place;
  if (!test) return;
  const { results } = await loadRun(disk, folder), missing: ArmResult[] = [];
  for (const result of results) if (!await readArmTest(disk, folder, result)) missing.push(result);
  const hasBaselines = await disk.stat(join(folder, FILES.test)) !== undefined;
  if (missing.length === 0 && hasBaselines) return;
  const models = missing.map((result) => ({ arm: result.arm, seed: result.seed, stages: stagesIn(result) }));
  await addReading(disk, folder, { command, by: "study", models });
  if (!hasBaselines) await writeTestBaselines(disk, folder, baselinesOn(test, { train, V: study.vocabSize }));
  for (const result of missing) {
    place.onModel?.(result);
    await testOne(result, test, place);
  }
}

function baselinesOn(held: Part, { train, V }: { train: Text; V: number }) {
  const predicted = { tokens: predictedTokens(held), bytes: held.bytes };
  return {
    unigram: qualityOf(unigramLoss({ train, held }, V), predicted),
    bigram: qualityOf(bigramLoss({ train, held }, V), predicted),
  };
}

async function testOne(result: ArmResult, test: Part, place: Place): Promise<void> {
  const { disk, folder, signal } = place, losses = new Map<StageName, Float32Array>();
  for (const stage of stagesIn(result)) {
    const model = await openStage(result, stage, place);
    try {
      losses.set(stage, (await model.logpsOf(test, { signal })).map((logp) => -logp));
    } finally {
      model.release();
    }
  }
  const stages = Object.fromEntries(
    [...losses].map(([stage, nats]) => [stage, qualityOfTokens(nats.map((loss) => -loss), test)]),
  );
  await writeArmTest(disk, folder, { result: { arm: result.arm, seed: result.seed, stages }, losses });
}

/** The model of an arm after a stage. */
export function openStage(
  { arm: name, seed }: Pick<ArmResult, "arm" | "seed">,
  stage: StageName,
  { disk, folder, executor, record }: Pick<Place, "disk" | "folder" | "executor" | "record">,
): Promise<TrainedModel> {
  const arm = present(record.study.arms.find((one) => one.name === name), `the arm ${name}`);
  return TrainedModel.open(executor, { disk, chosen: modelOfRun(folder, { record, arm, seed, stage }) });
}
