/** One arm of a study with one seed: both training stages and the control, each resumable, and what is measured after each. */
import { join } from "node:path";
import { type Arm, cacheSize, type StudyConfig } from "../config/mod.ts";
import {
  type ArmResult,
  requirePairs,
  requireStageRecord,
  type Sample,
  type StageName,
  type StageResult,
} from "../record/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import { corrupted, type Excerpt, excerpts, type Pair } from "../data/preference.ts";
import { type Disk, type LogPosition, makeFolders, type MetricsLog, writeAtomic } from "../disk/mod.ts";
import { generate } from "../infer/generate.ts";
import { decodeSafetensors, encodeSafetensors } from "../params/safetensors.ts";
import { ParameterStore } from "../params/store.ts";
import { parameterCount } from "../params/specs.ts";
import type { Executor, Memory } from "../plan/mod.ts";
import { preferenceProgram, textProgram } from "../train/programs.ts";
import { clearMoments, putArena, takeArena } from "../train/snapshot.ts";
import { runStage, type StageContext, type StageEvent, type StageProgram } from "../train/stage.ts";
import { captureAttention } from "../eval/attention.ts";
import type { Preparation } from "./preparation.ts";
import { preferenceMeasures, qualityOfTokens, Scorer } from "../eval/quality.ts";
import {
  armFolder,
  MAX_PAIRS_BYTES,
  readJson,
  stageFile,
  weightsFile,
  writeJson,
  writeLosses,
  writeMaps,
} from "../record/run_files.ts";

/** What happens in a study, for progress displays. */
export interface StudyEvent extends Omit<StageEvent, "kind"> {
  readonly kind: StageEvent["kind"] | "stage" | "sampling" | "memory" | "arm" | "failed";
  readonly arm: string;
  readonly seed: number;
  readonly stage?: StageName | "recall";
  readonly memory?: Memory;
  readonly message?: string;
}

export interface ArmContext extends Preparation {
  readonly executor: Executor;
  readonly disk: Disk;
  readonly folder: string;
  readonly log: MetricsLog;
  readonly study: StudyConfig;
  /** Stop after this stage; a later call goes on. */
  readonly lastStage?: StageName;
  readonly signal?: AbortSignal;
  onEvent?(event: StudyEvent): void;
}

/** pretraining.json and its like: all that is known after a stage. */
export interface StageRecord {
  readonly result: StageResult;
  readonly samples: readonly Sample[];
  readonly memory: Memory;
  readonly generation: ArmResult["generation"];
  /** Where the metrics log ended. */
  readonly log: LogPosition;
}

/** What is kept of a stage that is done; undefined for one that is not. Throws a HymbaError when it is damaged. */
async function readStage(disk: Disk, path: string): Promise<StageRecord | undefined> {
  const found = await readJson<StageRecord>(disk, path);
  if (found) requireStageRecord(found, path);
  return found;
}

/** Stages of a study: the control repeats the second stage without its preference term, so a seed-style stage has none. */
export const stagesOf = (study: StudyConfig): StageName[] =>
  study.preference.loss === "orpo" ? ["pretraining", "orpo", "control"] : ["pretraining", "orpo"];

/** Trains and measures what is not done yet, and writes result.json. */
export async function runArm({ name, config }: Arm, seed: number, context: ArmContext): Promise<ArmResult> {
  const { disk, executor, study } = context, folder = armFolder(context.folder, name, seed);
  await makeFolders(disk, folder);
  const store = new ParameterStore(config);
  const run = new ArmRun({ name, seed, folder, store }, context);
  try {
    const records: Partial<Record<StageName, StageRecord>> = {};
    for (const stage of stagesOf(study)) {
      records[stage] = await readStage(disk, join(folder, stageFile(stage))) ?? await run.stage(stage);
      if (stage === context.lastStage) break;
    }
    const first = records.pretraining!;
    const result: ArmResult = {
      arm: name,
      seed,
      parameters: parameterCount(config),
      cache: cacheSize(config, study.sequenceLength),
      memory: first.memory,
      stages: Object.fromEntries(Object.entries(records).map(([stage, { result }]) => [stage, result])),
      generation: first.generation,
      samples: Object.values(records).flatMap(({ samples }) => samples),
    };
    await writeJson(disk, join(folder, "result.json"), result);
    return result;
  } finally {
    store.release(executor);
  }
}

/** Sequences scored at once: enough to keep every core busy, no more than training holds anyway. */
export const evaluationBatch = ({ pretraining, sequenceLength }: StudyConfig) =>
  Math.max(pretraining.batch, Math.ceil(1024 / sequenceLength));

class ArmRun {
  constructor(
    private readonly arm: { name: string; seed: number; folder: string; store: ParameterStore },
    private readonly context: ArmContext,
  ) {}

  async stage(stage: StageName): Promise<StageRecord> {
    const { executor, disk, log, study, tokenizer, tokens } = this.context, { store, folder, seed, name } = this.arm;
    this.#tell("stage", { stage });
    const pairs = stage === "pretraining" ? undefined : await this.#pairs();
    await this.#startWeights(stage);
    const made = await this.#program(stage, pairs?.train);
    this.#tell("memory", { stage, memory: made.program.memory });
    const scorer = await Scorer.create(executor, store, {
      B: evaluationBatch(study),
      T: study.sequenceLength,
      signal: this.context.signal,
    });
    const pairScorer = pairs && await this.#pairScorer();
    let logps: Float32Array | undefined;
    try {
      const { best, last, before, after, train_s, ...trained } = await runStage(
        made,
        {
          ...{ executor, store, disk, log, seed, stage, arm: name, signal: this.context.signal },
          folder: join(folder, "checkpoints"),
          config: stage === "pretraining" ? study.pretraining : study.orpo,
          onEvent: (event) => this.#tell(event.kind, { stage, ...event }),
          restart: () => this.#startWeights(stage),
          evaluate: async () => {
            logps = await scorer.tokenLogps(tokens.validation);
            return qualityOfTokens(logps, { bytes: tokens.evaluatedBytes });
          },
          prefer: pairs && ((step) => preferenceMeasures(pairScorer!, pairs.heldOut, { step })),
        } satisfies StageContext,
      );
      const steps = stage === "pretraining" ? study.pretraining.steps : study.orpo.steps;
      const preference = before && after ? { before, after } : undefined;
      const result: StageResult = {
        steps,
        tokens: trained.tokens,
        final: last!,
        best: best!,
        preference,
        train_s,
        tokens_per_s: trained.tokens / train_s,
      };
      const weights = encodeSafetensors(await takeArena(executor, store, "parameters"), {
        arm: name,
        stage,
        tokenizer: tokenizer.hash,
      });
      await writeAtomic(disk, join(folder, weightsFile(stage)), weights);
      // A stage that was stopped behind its last evaluation has not evaluated in this process.
      const nats = (logps ?? await scorer.tokenLogps(tokens.validation)).map((logp) => -logp);
      await writeLosses(disk, folder, { stage, nats });
      const { samples, generation } = await this.#samples(stage);
      if (name === "hymba" && seed === study.seeds[0]) await this.#attention(stage);
      const record: StageRecord = { result, samples, memory: made.program.memory, generation, log: await log.sync() };
      await writeJson(disk, join(folder, stageFile(stage)), record);
      return record;
    } finally {
      for (const used of [made.program, scorer, pairScorer]) used?.dispose();
    }
  }

  #tell(kind: StudyEvent["kind"], more: Partial<StudyEvent>): void {
    const { name, seed } = this.arm;
    this.context.onEvent?.({ step: 0, steps: 0, ...more, kind, arm: name, seed });
  }

  async #startWeights(stage: StageName): Promise<void> {
    const { executor } = this.context, { store, seed } = this.arm;
    if (stage === "pretraining") store.initialise(executor, seed);
    else await this.#loadPretrained();
    clearMoments(executor, store);
  }

  async #loadPretrained(): Promise<void> {
    const { executor, disk } = this.context, path = join(this.arm.folder, weightsFile("pretraining"));
    const { tensors } = decodeSafetensors(await disk.read(path), { name: path });
    putArena(executor, this.arm.store, { tensors, arena: "parameters" });
  }

  async #program(stage: StageName, pairs: readonly Pair[] | undefined): Promise<StageProgram> {
    const { executor, study, tokens } = this.context, { store, seed } = this.arm;
    const { pretraining, orpo, preference, sequenceLength: T, remat, precision } = study;
    const seedStyle = stage === "orpo" && preference.loss === "seed";
    if (stage === "pretraining" || seedStyle) {
      const config = seedStyle ? orpo : pretraining, B = config.batch;
      return await textProgram(executor, store, {
        config,
        T,
        order: new BatchOrder(tokens.train, { B, T, seed, aligned: study.profile === "seed" }),
        scale: seedStyle ? 1 + preference.beta : 1,
        activations: { remat, precision },
      });
    }
    return await preferenceProgram(executor, store, {
      config: orpo,
      pairs: pairs!,
      beta: stage === "control" ? 0 : preference.beta,
      seed,
      activations: { remat, precision },
    });
  }

  #pairScorer(): Promise<Scorer> {
    const { promptTokens, completionTokens } = this.context.study.preference;
    return Scorer.create(this.context.executor, this.arm.store, {
      B: 2 * this.context.study.orpo.batch,
      T: promptTokens + completionTokens - 1,
      signal: this.context.signal,
    });
  }

  /** The pairs of this arm, made once by the stage-1 model or the corruption rule, and kept. */
  async #pairs(): Promise<{ train: Pair[]; heldOut: Pair[] }> {
    const { disk } = this.context, path = join(this.arm.folder, "pairs.json");
    let kept = await readJson<Record<"train" | "heldOut", Record<keyof Pair, number[]>[]>>(disk, path, {
      most: MAX_PAIRS_BYTES,
    });
    if (kept) requirePairs(kept, path, this.context.study);
    else {
      this.#tell("sampling", { stage: "orpo" });
      await this.#loadPretrained();
      const { trainPairs, heldOutPairs } = this.context.study.preference, { train, validation } = this.context.tokens;
      const plain = (pairs: Pair[]) =>
        pairs.map(({ prompt, chosen, rejected }) => ({
          prompt: [...prompt],
          chosen: [...chosen],
          rejected: [...rejected],
        }));
      kept = {
        train: plain(await this.#makePairs(train, { count: trainPairs, part: 0 })),
        heldOut: plain(await this.#makePairs(validation, { count: heldOutPairs, part: 1 })),
      };
      await writeJson(disk, path, kept);
    }
    const restore = (pairs: Record<keyof Pair, number[]>[]) =>
      pairs.map(({ prompt, chosen, rejected }) => ({
        prompt: Uint32Array.from(prompt),
        chosen: Uint32Array.from(chosen),
        rejected: Uint32Array.from(rejected),
      }));
    return { train: restore(kept.train), heldOut: restore(kept.heldOut) };
  }

  async #makePairs(tokens: Uint32Array, { count, part }: { count: number; part: number }): Promise<Pair[]> {
    const { preference } = this.context.study, { seed } = this.arm;
    const { promptTokens: prompt, completionTokens: completion } = preference;
    const found = excerpts(tokens, { count, prompt, completion, seed, part });
    const rejected = preference.rejected === "corrupt"
      ? found.map(({ continuation }, index) => corrupted(continuation, { seed, index: part * 500_000 + index }))
      : await this.#sampledContinuations(found, part);
    return found.map(({ prompt, continuation }, i) => ({ prompt, chosen: continuation, rejected: rejected[i]! }));
  }

  async #sampledContinuations(found: readonly Excerpt[], part: number): Promise<Uint32Array[]> {
    const { executor, study } = this.context, { store, seed } = this.arm, together = 32, made: Uint32Array[] = [];
    for (let at = 0; at < found.length; at += together) {
      const prompts = found.slice(at, at + together).map(({ prompt }) => prompt);
      const { completionTokens: newTokens, temperature } = study.preference;
      const { tokens } = await generate(executor, store, {
        prompts,
        newTokens,
        temperature,
        seed,
        first: part * 100_000 + at,
        signal: this.context.signal,
      });
      made.push(...tokens);
    }
    return made;
  }

  async #samples(stage: StageName): Promise<{ samples: Sample[]; generation: ArmResult["generation"] }> {
    const { executor, study, tokenizer, tokens, signal } = this.context, { store, seed } = this.arm;
    const { prompts: count, promptTokens: prompt, ...options } = study.samples;
    const prompts = excerpts(tokens.validation, { count, prompt, completion: 1, seed, part: 2 }).map((excerpt) =>
      excerpt.prompt
    );
    const { tokens: made, decode_s } = await generate(executor, store, {
      ...options,
      ...{ prompts, seed, first: 900_000, signal },
    });
    const samples = made.map((ids, i) => ({
      stage,
      prompt: tokenizer.decode(prompts[i]!),
      text: tokenizer.decode(ids),
    }));
    const newTokens = made.length * options.newTokens;
    return { samples, generation: { tokens_per_s: newTokens / decode_s, newTokens } };
  }

  async #attention(stage: StageName): Promise<void> {
    const { executor, tokens, tokenizer, study, disk } = this.context;
    const ids = tokens.validation.slice(0, Math.min(study.sequenceLength, 96));
    const labels = Array.from(ids, (id) => tokenizer.decode([id]));
    const maps = await captureAttention(executor, this.arm.store, { ids, labels });
    await writeMaps(disk, this.arm.folder, { stage, maps });
  }
}

/** The place in the metrics log where the next stage of a study begins or goes on; undefined for a new study. */
export async function donePosition(
  disk: Disk,
  folder: string,
  { arm, seed, stage }: { arm: string; seed: number; stage: StageName },
): Promise<LogPosition | undefined> {
  const record = await readStage(disk, join(armFolder(folder, arm, seed), stageFile(stage)));
  return record?.log;
}
