/** How long a study will take: its arithmetic over the speed of one measured product of the study's own shape. */
import type { StudyConfig } from "../config/mod.ts";
import { matmul } from "../ops/linear.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, finish, type Plan } from "../plan/mod.ts";
import { Tape } from "../tensor/mod.ts";
import { evaluationPlan, preferencePlan, trainingPlan } from "../train/plans.ts";
import { stagesOf } from "./arm.ts";

export interface Estimate {
  /** Multiplications and additions of the whole study. */
  readonly flops: number;
  /** Of the measured product, in flops per second. */
  readonly rate: number;
  readonly seconds: number;
}

/**
 * A whole study runs at about this share of the speed of its largest product: scans, norms and losses move more bytes per
 * flop. Measured once, with `quick` on the CPU executor: 15.0 Tflop in 316 s beside a product at 110 GFLOP/s. On other
 * adapters and sizes it is a guess.
 */
const SHARE_OF_PRODUCT = 0.43;
/** The same on a software WebGPU adapter: 158 s and 64 s for 0.088 and 0.050 Tflop of `hymba` and `transformer-global` on SwiftShader, on a busy machine. */
const SHARE_ON_SOFTWARE = 0.19;

/** Characters of a token, on the low side, so that evaluations are not underestimated. */
const CHARACTERS_PER_TOKEN = 2;

const PROBE_MS = 500;

const flopsOf = ({ steps }: Plan) => steps.reduce((sum, { flops }) => sum + flops, 0);

/** Flops of all arms, stages, evaluations and samples of a text of so many characters. */
function studyFlops(study: StudyConfig, characters: number): number {
  const used = Math.min(characters, study.characters ?? characters);
  const validationTokens = used * (1 - study.trainFraction) / CHARACTERS_PER_TOKEN;
  const { pretraining, orpo, preference, sequenceLength: T, samples, remat } = study;
  const pairT = preference.promptTokens + preference.completionTokens - 1;
  let flops = 0;
  for (const { config } of study.arms) {
    const store = new ParameterStore(config), B = pretraining.batch;
    const evaluation = flopsOf(evaluationPlan(store, { B, T }).plan), perToken = evaluation / (B * T);
    const evaluations = Math.ceil(pretraining.steps / pretraining.evaluateEvery) +
      (stagesOf(study).length - 1) * Math.ceil(orpo.steps / orpo.evaluateEvery);
    const second = flopsOf(preferencePlan(store, { n: orpo.batch, T: pairT, decay: 0, beta: 0.1, remat }).plan);
    const sampled = (preference.trainPairs + preference.heldOutPairs) * (pairT + 1) +
      3 * samples.prompts * (samples.promptTokens + samples.newTokens);
    flops += pretraining.steps * flopsOf(trainingPlan(store, { B, T, decay: 0, remat }).plan) +
      (stagesOf(study).length - 1) * orpo.steps * second +
      evaluations * Math.ceil((validationTokens - 1) / (B * T)) * evaluation + sampled * perToken;
  }
  for (const { config } of study.recall?.arms ?? []) {
    const { batch: B, length, steps } = study.recall!;
    flops += steps * flopsOf(trainingPlan(new ParameterStore(config), { B, T: length, decay: 0 }).plan);
  }
  return flops * study.seeds.length;
}

/** Flops per second of a product of the feed-forward part's shape: the best run of half a second, the first left out. */
async function productRate(executor: Executor, study: StudyConfig): Promise<number> {
  const { dModel: K, ffnHidden } = study.arms[0]!.config,
    M = study.pretraining.batch * study.sequenceLength,
    N = 2 * ffnHidden;
  const tape = new Tape(false), a = tape.input("a", [M, K]), b = tape.input("b", [N, K]), c = tape.tensor("c", [M, N]);
  matmul(tape, { a, b, c }, { M, N, K, transA: 0, transB: 1 });
  const program = await executor.prepare(finish(tape, { name: "speed", outputs: [c] }));
  program.write(a, new Float32Array(M * K).fill(0.5));
  program.write(b, new Float32Array(N * K).fill(0.5));
  let best = Infinity;
  // Engines compile hot code while it runs, so the first runs say little.
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

/** Measures for a moment and says how long the study will take. */
export async function estimate(
  executor: Executor,
  study: StudyConfig,
  { characters, software = false }: { characters: number; software?: boolean },
): Promise<Estimate> {
  const flops = studyFlops(study, characters), rate = await productRate(executor, study);
  return { flops, rate, seconds: flops / (rate * (software ? SHARE_ON_SOFTWARE : SHARE_OF_PRODUCT)) };
}
