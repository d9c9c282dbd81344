/**
 * Trains one small hybrid twice: with causal local layers, and with the cropped keys of the documented study. It is evidence
 * only: nothing else trains with the crop, and the experiment writes no weights and no run folder.
 */
import { ArchType, armsOf, type HymbaConfig, type Profile, type Shape } from "../config/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import { type Corpus, wholeText } from "../data/corpus.ts";
import { onePiece, partOf, predictedTokens, type TokenData } from "../data/parts.ts";
import { splitText } from "../data/split.ts";
import { UsageError } from "../errors.ts";
import { evaluationPlan, Scorer } from "../infer/scorer.ts";
import { at, mean } from "../lists.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { trainTokenizer } from "../tokenizer/mod.ts";
import { textObjective } from "../train/objective.ts";
import { trainingPlan } from "../train/plans.ts";
import { Trainer } from "../train/trainer.ts";

/** T = 2 W, as in the documented study. */
const LEAK_EXPERIMENT = {
  vocabSize: 512,
  T: 64,
  batch: 8,
  seed: 1,
  rate: 4e-3,
  warmup: 20,
  decay: 0.1,
  evaluations: 10,
  trainFraction: 0.9,
  /** Number of predicted tokens, from the start of the validation part. */
  validationTokens: 8192,
} as const;

export interface LeakPoint {
  readonly step: number;
  readonly trainLoss: number;
  readonly validationLoss: number;
}

export interface LeakCurve {
  readonly name: "causal" | "cropped keys";
  readonly points: readonly LeakPoint[];
}

export interface LeakResult {
  readonly corpus: string;
  readonly parameters: number;
  readonly steps: number;
  readonly evaluatedTokens: number;
  readonly curves: readonly LeakCurve[];
}

const SHAPE: Shape = {
  vocabSize: LEAK_EXPERIMENT.vocabSize,
  dModel: 64,
  nLayers: 7,
  nHeads: 4,
  nKvHeads: 2,
  ffnHidden: 192,
  swaWindow: LEAK_EXPERIMENT.T / 2,
  numMetaTokens: 8,
};

/**
 * The hybrid of the experiment: three global layers (0, 3 and 6), four local ones, window 32, 8 meta tokens. Its block is the
 * published one, or with the profile `seed` that of the documented study.
 */
function leakModel(profile?: Profile): HymbaConfig {
  const arms = profile === "seed" ? armsOf("seed", SHAPE, ["hybrid-paper"]) : armsOf("arms", SHAPE, [ArchType.HYBRID]);
  return at(arms, 0).config;
}

interface LeakOptions {
  readonly corpus: Corpus;
  readonly profile?: Profile;
  /** Updates of each model, a multiple of the number of evaluations. */
  readonly steps: number;
  onProgress?(line: string): void;
}

/** Throws UsageError unless the evaluations divide the steps evenly. */
export function requireSteps(steps: number): void {
  const { evaluations } = LEAK_EXPERIMENT;
  if (Number.isInteger(steps / evaluations) && steps > 0) return;
  throw new UsageError("--steps of the leak experiment", {
    expected: `a multiple of ${evaluations}`,
    got: String(steps),
  });
}

/** Trains both models on the same batches from the same start, and measures both on the same validation tokens. */
export async function leakExperiment(executor: Executor, options: LeakOptions): Promise<LeakResult> {
  const { corpus, steps } = options, { trainFraction, vocabSize, T } = LEAK_EXPERIMENT;
  requireSteps(steps);
  const parts = splitText(wholeText(corpus, "the leak experiment"), { trainFraction });
  const means = { tokenizer: trainTokenizer(parts.train.join(""), { vocabSize }), T };
  const train = partOf("train", parts.train, means), rest = partOf("validation", parts.validation, means);
  const validation = onePiece(rest.tokens.subarray(0, LEAK_EXPERIMENT.validationTokens + 1));
  const curves: LeakCurve[] = [];
  for (const name of ["causal", "cropped keys"] as const) {
    curves.push({ name, points: await trained(executor, { ...options, name, tokens: { train, validation } }) });
  }
  const evaluatedTokens = predictedTokens(validation);
  return {
    corpus: corpus.name,
    parameters: parameterCount(leakModel(options.profile)),
    steps,
    evaluatedTokens,
    curves,
  };
}

async function trained(
  executor: Executor,
  { name, tokens, steps, profile, onProgress }: LeakOptions & { name: LeakCurve["name"]; tokens: TokenData },
): Promise<LeakPoint[]> {
  const { batch: B, T, seed, rate, warmup, decay, evaluations } = LEAK_EXPERIMENT;
  const store = new ParameterStore(leakModel(profile)), reproduceLeak = name === "cropped keys";
  const plan = trainingPlan(store, { B, T, decay, reproduceLeak });
  const objective = textObjective(plan, new BatchOrder(tokens.train, { B, T, seed }));
  store.initialise(executor, seed);
  const trainer = await Trainer.create(executor, store, { name, objective, schedule: { rate, warmup, steps } });
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B, T, reproduceLeak }));
  const points: LeakPoint[] = [];
  try {
    let losses: number[] = [];
    for await (const { step, loss, paused } of trainer.run({ pauseEvery: steps / evaluations })) {
      losses.push(loss);
      if (!paused) continue;
      const validationLoss = -mean(await scorer.tokenLogps(tokens.validation));
      points.push({ step, trainLoss: mean(losses), validationLoss });
      losses = [];
      onProgress?.(`${name}: step ${step} of ${steps}, perplexity ${Math.exp(validationLoss).toFixed(2)}`);
    }
    return points;
  } finally {
    trainer.dispose();
    scorer.dispose();
    store.release(executor);
  }
}
