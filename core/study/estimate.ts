/** Estimates the time of a study: its flops divided by the measured speed of a matrix product of its shape. */
import { type Arm, branchStep, type RecallConfig, type StudyConfig, studyOfArm } from "../config/mod.ts";
import type { TextSizes } from "../data/corpus.ts";
import { sharesOf } from "../data/split.ts";
import { at } from "../lists.ts";
import { matmul } from "../ops/linear.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, finish } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";
import type { StageName } from "../record/mod.ts";
import { recallPlan } from "../eval/recall.ts";
import { flopsOf, flopsOfUpdate, stagePlans, stagesOf } from "./stage_plans.ts";

/**
 * The speed of a whole study as a share of the speed of its largest product. Scans, norms and losses move more bytes per flop.
 * Measured once, with `quick` on the CPU executor: 15.0 Tflop in 316 s, and a product at 110 GFLOP/s. On other adapters and at
 * other sizes it is a guess.
 */
const SHARE_OF_PRODUCT = 0.43;
/** The same on a software WebGPU adapter. SwiftShader on a busy machine took 158 s for 0.088 Tflop of `hymba` and 64 s for 0.050 Tflop of `transformer-global`. */
const SHARE_ON_SOFTWARE = 0.19;

/** Characters per token. A low guess, so that the cost of evaluations is not underestimated. */
const CHARACTERS_PER_TOKEN = 2;

const PROBE_MS = 500;

/** Multiplications and additions of a study by purpose, over all arms, stages and seeds. */
export interface StudyFlops {
  readonly training: number;
  readonly evaluation: number;
  /** Rejected continuations and samples. */
  readonly sampling: number;
  readonly recall: number;
}

/** Tokens of the held-out parts. */
interface HeldOut {
  readonly validationTokens: number;
  readonly testTokens?: number;
}

/** Multiplications and additions of one stage of one arm with one seed. */
export interface StageFlops {
  readonly training: number;
  /** All evaluations, without the test part. */
  readonly evaluation: number;
  readonly sampling: number;
  readonly test: number;
  /** Of evaluation and sampling: what follows the last update. */
  readonly after: number;
  /** One update. */
  readonly update: number;
}

/** Counts the flops of a stage. Shorter trainings start from their trunks. */
export function stageFlops(
  study: StudyConfig,
  arm: Arm,
  { store, stage, held: { validationTokens, testTokens = 0 } }: {
    store: ParameterStore;
    stage: StageName;
    held: HeldOut;
  },
): StageFlops {
  const own = studyOfArm(study, arm), { preference, samples } = own;
  const { config, training, evaluation: { plan, B, T }, pairs } = stagePlans(own, store, { stage });
  const { evaluateEvery } = config, tokens = B * T, update = flopsOfUpdate(training);
  const done = stage === "pretraining" && arm.trunk !== undefined ? branchStep(config) : 0;
  const evaluations = Math.ceil(config.steps / evaluateEvery) - Math.floor(done / evaluateEvery);
  // Preference is measured at each evaluation, and before the first step.
  const preferred = pairs ? Math.ceil(2 * preference.heldOutPairs / pairs.B) * flopsOf(pairs.plan) : 0;
  const once = Math.ceil((validationTokens - 1) / tokens) * flopsOf(plan) + preferred;
  const drawn = samples.prompts * (samples.promptTokens + samples.newTokens);
  // Behind the first stage its model writes the rejected continuations.
  const rejected = stage === "pretraining" && preference.rejected === "sample" && own.lastStage !== "pretraining"
    ? (preference.trainPairs + preference.heldOutPairs) * (preference.promptTokens + preference.completionTokens)
    : 0;
  const sampling = (drawn + rejected) * flopsOf(plan) / tokens;
  return {
    training: (config.steps - done) * update,
    evaluation: evaluations * once + preferred,
    sampling,
    test: Math.ceil(testTokens / tokens) * flopsOf(plan),
    after: once + sampling,
    update,
  };
}

/**
 * Counts the flops of a study whose validation part has `validationTokens` tokens. The test part is evaluated once.
 */
export function studyFlops(study: StudyConfig, held: HeldOut): StudyFlops {
  const { recall } = study, seeds = study.seeds.length, flops = { training: 0, evaluation: 0, sampling: 0, recall: 0 };
  for (const arm of study.arms) {
    const store = new ParameterStore(arm.config);
    for (const stage of stagesOf(study)) {
      const { training, evaluation, sampling, test } = stageFlops(study, arm, { store, stage, held });
      flops.training += seeds * training;
      flops.evaluation += seeds * (evaluation + test);
      flops.sampling += seeds * sampling;
    }
  }
  if (recall) flops.recall = seeds * recall.arms.reduce((sum, arm) => sum + recallFlops(arm, recall), 0);
  return flops;
}

/** Flops of the recall probe of one arm with one seed. */
export const recallFlops = ({ config }: Pick<Arm, "config">, recall: RecallConfig): number =>
  recall.steps * flopsOf(recallPlan(new ParameterStore(config), recall).plan);

/** Tokens of both held-out parts; an upper estimate. */
export function heldOutTokens(
  study: StudyConfig,
  { characters: ofText, separate = {} }: TextSizes,
): { validationTokens: number; testTokens: number } {
  const all = Math.min(ofText, study.characters ?? ofText) / CHARACTERS_PER_TOKEN,
    { validation, test } = sharesOf(study);
  const tokens = (own: number | undefined, share: number) =>
    own === undefined ? all * share : own / CHARACTERS_PER_TOKEN;
  return { validationTokens: tokens(separate.validation, validation), testTokens: tokens(separate.test, test) };
}

/** Flops per second of a matrix product of the feed-forward shape: the best run in half a second, except the first one. */
async function productRate(executor: Executor, study: StudyConfig): Promise<number> {
  const { dModel: K, ffnHidden } = at(study.arms, 0).config,
    M = study.pretraining.batch * study.sequenceLength,
    N = 2 * ffnHidden;
  const tape = new Tape(false), a = tape.input("a", [M, K]), b = tape.input("b", [N, K]), c = tape.tensor("c", [M, N]);
  matmul(tape, { a, b, c }, { M, N, K, transA: 0, transB: 1 });
  const program = await executor.prepare(finish(tape, { name: "speed", outputs: [c] }));
  program.write(a, new Float32Array(M * K).fill(0.5));
  program.write(b, new Float32Array(N * K).fill(0.5));
  let best = Infinity;
  // JavaScript engines compile hot code while it runs, so the first runs are slower.
  const end = performance.now() + PROBE_MS;
  for (let run = 0; run < 4 || performance.now() < end; run++) {
    const start = performance.now();
    await program.run();
    await program.read({ ...c, shape: [1, N], rows: 1 });
    if (run > 0) best = Math.min(best, performance.now() - start);
  }
  program.dispose();
  return 2 * M * N * K / (best / 1000);
}

/** All flops of a study. */
export const flopsIn = ({ training, evaluation, sampling, recall }: StudyFlops): number =>
  training + evaluation + sampling + recall;

/** Flops per second of a whole study, estimated from half a second of its largest product. */
export async function studyRate(
  executor: Executor,
  study: StudyConfig,
  { software = false }: { software?: boolean } = {},
): Promise<number> {
  return await productRate(executor, study) * (software ? SHARE_ON_SOFTWARE : SHARE_OF_PRODUCT);
}
