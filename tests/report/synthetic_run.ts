/** Runs that were never trained: plausible numbers in every field, the same for the same arguments. */
import {
  ARCH_TYPES,
  type Arm,
  attentionCodes,
  cacheSize,
  type HymbaConfig,
  layersOf,
  type StageConfig,
  type StudyConfig,
} from "../../core/config/mod.ts";
import { studyOf } from "../../core/study_file/mod.ts";
import type {
  ArmResult,
  AttentionMap,
  Evaluation,
  MetricsLine,
  Quality,
  RecallResult,
  Run,
  RunRecord,
  StageName,
  StageResult,
} from "../../core/record/mod.ts";
import { parameterCount } from "../../core/params/specs.ts";
import { fillNormal, uniform } from "../../core/random.ts";
import { loadStudent } from "../../core/student.ts";

// A run that is read from its folder does this itself.
await loadStudent();

export interface SyntheticOptions {
  arms?: readonly string[];
  suite?: string;
  seeds?: number;
  preset?: string;
  corpus?: string;
}

const draw = (seed: number, index: number) => uniform({ seed, stream: 7, step: 0 }, index) - 0.5;

const quality = (loss: number): Quality => ({
  loss,
  perplexity: Math.exp(loss),
  bitsPerByte: loss / (3.2 * Math.LN2),
});

const FLOOR: Record<StageName, number> = { pretraining: 0, orpo: -0.06, control: -0.05 };

class Story {
  readonly metrics: MetricsLine[] = [];
  readonly #noise: number;

  constructor(readonly arm: string, readonly index: number, readonly seed: number) {
    this.#noise = 100 * index + seed;
  }

  get level(): number {
    return 4.35 - 0.07 * this.index + 0.05 * draw(this.#noise, 1);
  }

  stage(stage: StageName, config: StageConfig): StageResult {
    const { arm, seed } = this, start = stage === "pretraining" ? 6.9 : this.level;
    const end = this.level + FLOOR[stage];
    const evaluations: Evaluation[] = [];
    for (let step = stage === "pretraining" ? 1 : 0; step <= config.steps; step++) {
      const done = step / config.steps, loss = end + (start - end) * Math.exp(-5 * done);
      const line = { arm, seed, stage, step };
      if (step > 0) this.metrics.push({ ...line, ...this.#training(stage, { step, done, loss, config }) });
      if (step % config.evaluateEvery !== 0 && step !== config.steps) continue;
      if (stage !== "pretraining") this.metrics.push({ ...line, ...this.#preference(stage, done) });
      if (step === 0) continue;
      const measured = quality(loss + 0.05 + 0.08 * Math.max(0, done - 0.8));
      evaluations.push({ step, ...measured });
      this.metrics.push({ ...line, kind: "evaluation", ...measured });
    }
    return this.#result(stage, config, evaluations);
  }

  #training(stage: StageName, { step, done, loss, config }: {
    step: number;
    done: number;
    loss: number;
    config: StageConfig;
  }) {
    const rate = step <= config.warmup
      ? config.rate * step / config.warmup
      : config.rate * 0.5 * (1 + Math.cos(Math.PI * done));
    const noisy = loss + 0.25 * draw(this.#noise, 10 + step);
    const common = { kind: "train" as const, rate, gradientNorm: 1 + done, tokens_per_s: 5000 + 100 * this.index };
    if (stage === "pretraining") return { ...common, loss: noisy };
    const logSigmoid = -0.69 + (stage === "orpo" ? 0.25 : 0.05) * done + 0.1 * draw(this.#noise, 5000 + step);
    return { ...common, loss: noisy - 0.1 * logSigmoid, nll: noisy, logSigmoid, logOdds: 0.4 * done };
  }

  #preference(stage: StageName, done: number) {
    const gain = stage === "orpo" ? 1 : 0.3, accuracy = 0.62 + 0.2 * gain * done + 0.05 * draw(this.#noise, 9000);
    const margin = 0.15 + 0.5 * gain * done + 0.05 * this.index;
    return {
      kind: "preference" as const,
      accuracy,
      margin,
      logOdds: margin * 1.1,
      chosenLogp: -4,
      rejectedLogp: -4 - margin,
    };
  }

  #result(stage: StageName, config: StageConfig, evaluations: readonly Evaluation[]): StageResult {
    const best = evaluations.reduce((a, b) => b.loss < a.loss ? b : a), final = evaluations.at(-1)!;
    const tokens = config.steps * config.batch * 96, speed = 5200 - 700 * this.index;
    const bare = { steps: config.steps, tokens, final, best, train_s: tokens / speed };
    if (stage === "pretraining") return bare;
    const at = (step: number) => ({ step, ...this.#preference(stage, step / config.steps) });
    return { ...bare, preference: { before: at(0), after: at(config.steps) } };
  }
}

/** Attention of a layer that spreads over what a query sees, with some of it on itself and on the meta tokens. */
function attentionOf(config: HymbaConfig, index: number, T: number): AttentionMap {
  const M = config.metaTokens, positions = M + T, { window } = layersOf(config)[index]!;
  const probabilities = new Float32Array(positions * positions);
  for (let q = 0; q < positions; q++) {
    let sum = 0;
    for (let k = 0; k <= q; k++) {
      if (window > 0 && q - k >= window && k >= M) continue;
      const weight = (k < M ? 3 + k : 1) * Math.exp(-(q - k) / (window || 40)) + 0.02 +
        0.3 * Math.abs(draw(index, q * positions + k)) ** 4;
      probabilities[q * positions + k] = weight, sum += weight;
    }
    for (let k = 0; k <= q; k++) probabilities[q * positions + k]! /= sum;
  }
  // Heads differ in how sharp they are.
  const heads = new Float32Array(config.nHeads * positions ** 2);
  for (let i = 0; i < heads.length; i++) {
    const head = Math.floor(i / positions ** 2);
    heads[i] = probabilities[i % positions ** 2]! ** (1.2 + head / 4);
  }
  const labels = Array.from({ length: positions }, (_, at) => at < M ? `meta ${at}` : `token ${at - M}`);
  return {
    layer: index,
    kind: window > 0 ? "local" : "global",
    positions,
    metaTokens: M,
    window,
    probabilities,
    heads: attentionCodes(heads, positions),
    labels,
  };
}

const SAMPLES = (["pretraining", "orpo"] as const).map((stage) => ({
  stage,
  prompt: "ROMEO:\nBut soft,",
  text: " what light through yonder window breaks?\nIt is the east",
}));

/** The result of one arm and seed; its metrics are appended to `metrics`. */
function resultOf(
  { name, config }: Arm,
  seed: number,
  { index, study, metrics }: { index: number; study: StudyConfig; metrics: MetricsLine[] },
): ArmResult {
  const story = new Story(name, index, seed);
  const stages = {
    pretraining: story.stage("pretraining", study.pretraining),
    orpo: story.stage("orpo", study.orpo),
    control: story.stage("control", study.orpo),
  };
  metrics.push(...story.metrics);
  const parameters = parameterCount(config), arenaBytes = 16 * parameters, slotBytes = 30_000_000;
  return {
    arm: name,
    seed,
    parameters,
    cache: cacheSize(config, study.sequenceLength),
    memory: { arenaBytes, slotBytes, peakBytes: arenaBytes + slotBytes },
    stages,
    samples: SAMPLES,
  };
}

function recordOf(study: StudyConfig, corpus: string): RunRecord {
  return {
    format: 1,
    // The same as after a read from a file, except the configurations, which a read checks.
    study: { ...JSON.parse(JSON.stringify(study)), arms: study.arms },
    versions: { hymba: "0.1.0", deno: "2.9.6", webgpu: "0.6.2" },
    backend: "webgpu",
    adapter: { name: "SwiftShader Device (Subzero)", driver: "SwiftShader 5.0.0", kind: "swiftshader" },
    corpus: { name: corpus, bytes: 1_115_394, sha256: "86c4e6aa".repeat(8), licence: "public domain" },
    tokenizer: { sha256: "0123abcd".repeat(8), vocabSize: study.vocabSize },
    data: { trainTokens: 345_678, validationTokens: 38_409, evaluatedTokens: 38_400, evaluatedBytes: 111_000 },
    baselines: { unigram: quality(5.95), bigram: quality(4.62) },
    started: "2026-11-23T20:00:00.000Z",
    command: `hymba ablate --preset ${study.preset}`,
  };
}

/** Accuracies that fall with the distance, by another amount for each arm. */
const recallOf = ({ recall, seeds }: StudyConfig): RecallResult[] =>
  seeds.flatMap((seed) =>
    recall!.arms.map(({ name, config }, index) => ({
      arm: name,
      seed,
      parameters: parameterCount(config),
      steps: recall!.steps,
      loss: 1 + 0.1 * index,
      accuracies: recall!.ranges.map(([least, most], i) => ({
        least,
        most,
        queries: 256,
        accuracy: 0.95 - 0.02 * seed - i * 0.03 * index,
      })),
      train_s: 10 + index,
    }))
  );

/** A finished run of the given arms. */
export function syntheticRun(
  {
    suite = "arms",
    arms = suite === "arms" ? ARCH_TYPES : undefined,
    seeds = 1,
    preset = "quick",
    corpus = "tinyshakespeare",
  }: SyntheticOptions = {},
): Run {
  const study = studyOf(preset, { suite, models: arms, seeds }), metrics: MetricsLine[] = [];
  const results = study.arms.flatMap((arm, index) =>
    study.seeds.map((seed) => resultOf(arm, seed, { index, study, metrics }))
  );
  const hybrid = study.arms.find(({ name }) => name === "hymba")?.config;
  const shown = hybrid ? layersOf(hybrid).filter(({ attention }) => attention) : [];
  const maps = shown.map(({ index }) => attentionOf(hybrid!, index, study.sequenceLength));
  const attention = maps.length > 0 ? { pretraining: maps, orpo: maps } : {};
  return { record: recordOf(study, corpus), results, metrics, tokenLosses: [], recall: recallOf(study), attention };
}

/** Token losses of each arm and seed: the arm's level, its factor effects and noise of seed and text. */
export function withTokenLosses(run: Run, levelOf: (arm: string) => number): Run {
  const tokenLosses = run.results.map(({ arm, seed }, i) => ({
    arm,
    seed,
    stage: "orpo" as const,
    nats: fillNormal(new Float32Array(9600), { seed: 40 + i, stream: 100, step: 0 }, { deviation: 0.2 })
      .map((noise) => 3 + levelOf(arm) + noise + 0.01 * seed),
  }));
  return { ...run, tokenLosses };
}

/** The run with nine rounds of each speed. `roundsOf`: the rounds of an arm, tokens per second. */
export function withSpeeds(run: Run, roundsOf: (arm: string) => readonly number[]): Run {
  const arms = run.record.study.arms.filter(({ trunk }) => !trunk).map(({ name: arm }) => ({
    arm,
    training_tokens_per_s: [...roundsOf(arm)],
    generation_tokens_per_s: [...roundsOf(arm)],
  }));
  return { ...run, speeds: { format: 1, arms } };
}

/** Nine rounds around a speed, one per cent apart. */
export const steadyRounds = (speed: number): number[] =>
  Array.from({ length: 9 }, (_, i) => speed * (1 + (i - 4) / 100));

/** Nine rounds whose interval is wider than a factor of 1.3. */
export const unsteadyRounds = (speed: number): number[] =>
  Array.from({ length: 9 }, (_, i) => speed * (1 + (i - 4) / 10));
