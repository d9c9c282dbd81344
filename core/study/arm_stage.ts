/** Runs one stage of one arm: trains, writes weights and losses, samples text and draws attention. */
import { join } from "node:path";
import { mainArm } from "../config/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import { excerpts } from "../data/preference.ts";
import { type Disk, writeAtomic } from "../disk/mod.ts";
import { captureAttention } from "../eval/attention.ts";
import { preferenceMeasures, qualityOfTokens } from "../eval/quality.ts";
import { generate } from "../infer/generate.ts";
import { Scorer } from "../infer/scorer.ts";
import { at } from "../lists.ts";
import { encodeSafetensors } from "../params/safetensors.ts";
import {
  readJson,
  stageFile,
  type StageName,
  type StageRecord,
  stageRecordOf,
  type StageResult,
  weightsFile,
  writeJson,
  writeLosses,
  writeMaps,
} from "../record/mod.ts";
import { type Objective, preferenceObjective, textObjective } from "../train/objective.ts";
import { takeArena } from "../train/snapshot.ts";
import { restoreNewest, runStage, type StageOutcome, type StagePlace } from "../train/stage.ts";
import { Trainer } from "../train/trainer.ts";
import { type ArmRun, reportEvent, startWeights } from "./arm_run.ts";
import { branchesOf, startFromTrunk } from "./trunk.ts";
import { type ArmPairs, pairsOf } from "./pairs.ts";
import { type StagePlans, stagePlans } from "./stage_plans.ts";

/** The record of a finished stage; undefined for any other. Throws a HymbaError for a damaged record. */
export const readStage = (disk: Disk, folder: string, stage: StageName): Promise<StageRecord | undefined> =>
  readJson(disk, join(folder, stageFile(stage)), { as: stageRecordOf });

/** Runs a stage, or the rest of one. */
export async function runArmStage(run: ArmRun, stage: StageName): Promise<StageRecord> {
  const { arm, seed, study, disk, folder, log } = run;
  reportEvent(run, "stage", { stage });
  const { result, nats, memory } = await train(run, stage);
  await writeWeights(run, stage);
  await writeLosses(disk, folder, { stage, nats });
  const samples = await sample(run, stage);
  if (arm === mainArm(study) && seed === study.seeds[0]) await drawAttention(run, stage);
  const record: StageRecord = { result, samples, memory, log: await log.sync() };
  await writeJson(disk, join(folder, stageFile(stage)), record);
  return record;
}

/** The objective of a stage: its plan with the data of the seed. */
function objectiveOf({ study, tokens, seed }: ArmRun, { training }: StagePlans, pairs?: ArmPairs): Objective {
  if (training.kind === "pairs") return preferenceObjective(training, { pairs: pairs?.train ?? [], seed });
  const [B, T] = training.ids.shape as [number, number];
  return textObjective(training, new BatchOrder(tokens.train, { B, T, seed, aligned: study.profile === "seed" }));
}

/** A trainer with the start weights of the stage. */
async function trainerOf(
  run: ArmRun,
  { stage, plans, pairs, place }: { stage: StageName; plans: StagePlans; pairs?: ArmPairs; place: StagePlace },
): Promise<Trainer> {
  await startWeights(run, stage);
  return await Trainer.create(run.executor, run.store, {
    name: `${run.arm}, ${stage}`,
    objective: objectiveOf(run, plans, pairs),
    schedule: plans.config,
    rewind: async (trainer) => {
      if (await restoreNewest(trainer, place)) return;
      await startWeights(run, stage);
      trainer.restart();
    },
  });
}

/** The result of a stage, the loss of every validation token in nats, and the memory of the training plan. */
async function train(run: ArmRun, stage: StageName) {
  const { executor, disk, store, study, arm, seed, log, signal, tokens } = run;
  const pairs = stage === "pretraining" ? undefined : await pairsOf(run), plans = stagePlans(study, store, { stage });
  const place = { disk, folder: join(run.folder, "checkpoints"), stage };
  if (stage === "pretraining") await startFromTrunk(run, place);
  const trainer = await trainerOf(run, { stage, plans, pairs, place });
  reportEvent(run, "memory", { stage, memory: trainer.memory });
  const scorer = await Scorer.create(executor, plans.evaluation, { signal });
  const pairScorer = plans.pairs && await Scorer.create(executor, plans.pairs, { signal });
  let logps: Float32Array | undefined;
  try {
    const outcome = await runStage(trainer, {
      ...place,
      log,
      signal,
      about: { arm, seed, stage },
      evaluateEvery: plans.config.evaluateEvery,
      checkpointEvery: plans.config.checkpointEvery,
      branches: stage === "pretraining" ? branchesOf(run) : [],
      onEvent: (event) => reportEvent(run, event.kind, { stage, ...event }),
      evaluate: async () => {
        logps = await scorer.tokenLogps(tokens.validation);
        return qualityOfTokens(logps, tokens.validation);
      },
      prefer: pairScorer && pairs && ((step) => preferenceMeasures(pairScorer, pairs.heldOut, { step })),
    });
    // If the stage was interrupted after its last evaluation, this process has not evaluated.
    logps ??= await scorer.tokenLogps(tokens.validation);
    return { result: resultOf(trainer, outcome), nats: logps.map((logp) => -logp), memory: trainer.memory };
  } finally {
    for (const used of [trainer, scorer, pairScorer]) used?.dispose();
  }
}

function resultOf(
  { steps, options: { objective } }: Trainer,
  { best, last: final, before, after, train_s }: StageOutcome,
): StageResult {
  const tokens = steps * objective.made.tokensPerStep, preference = before && after ? { before, after } : undefined;
  return { steps, tokens, final, best, preference, train_s };
}

async function writeWeights(
  { executor, store, disk, folder, arm, tokenizer }: ArmRun,
  stage: StageName,
): Promise<void> {
  const about = { arm, stage, tokenizer: tokenizer.hash };
  const weights = encodeSafetensors(await takeArena(executor, store, "parameters"), about);
  await writeAtomic(disk, join(folder, weightsFile(stage)), weights);
}

/** Continues excerpts of the validation part. */
async function sample(
  { executor, store, study, tokenizer, tokens, seed, signal }: ArmRun,
  stage: StageName,
): Promise<StageRecord["samples"]> {
  const { prompts: count, promptTokens: prompt, ...options } = study.samples;
  const found = excerpts(tokens.validation, { count, prompt, completion: 1, seed, part: 2 });
  const prompts = found.map(({ prompt }) => prompt);
  const numbers = prompts.map((_, b) => 900_000 + b);
  const made = await generate(executor, store, { ...options, prompts, seed, numbers, signal });
  return made.tokens.map((ids, i) => ({
    stage,
    prompt: tokenizer.decode(at(prompts, i)),
    text: tokenizer.decode(ids),
  }));
}

/** Most text tokens of a map. */
const MAP_TOKENS = 96;

async function drawAttention(
  { executor, store, tokens, tokenizer, study, disk, folder }: ArmRun,
  stage: StageName,
): Promise<void> {
  const ids = tokens.validation.tokens.slice(0, Math.min(study.sequenceLength, MAP_TOKENS));
  const labels = Array.from(ids, (id) => tokenizer.nameOf(id));
  await writeMaps(disk, folder, { stage, maps: await captureAttention(executor, store, { ids, labels }) });
}
