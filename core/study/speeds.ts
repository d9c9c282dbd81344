/** Measures how fast each arm trains and generates, when nothing else of the study runs. */
import { type Arm, microBatch, type StudyConfig, studyOfArm } from "../config/mod.ts";
import { BatchOrder } from "../data/batches.ts";
import type { Part } from "../data/parts.ts";
import { throwIfStopped } from "../errors.ts";
import { DecodeSession } from "../infer/session.ts";
import { initialLossScale } from "../ops/loss_scale.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import type { ArmSpeeds, Speeds } from "../record/mod.ts";
import { textObjective } from "../train/objective.ts";
import { Updater } from "../train/updater.ts";
import { pretrainingPlan } from "./stage_plans.ts";

/** A measurement lasts at least this long (seconds), unless it would need more than MOST_RUNS runs. */
const LEAST_SECONDS = 0.1, MOST_RUNS = 200;
/** Longest sequence during the timing of generation (tokens). */
const MOST_TOKENS = 96;

interface Place {
  readonly executor: Executor;
  readonly study: StudyConfig;
  /** The training part of the text. */
  readonly tokens: Part;
  readonly signal?: AbortSignal;
}

/**
 * Seconds of one run: the first run warms up, the second says how many are timed together. With several `windows` it is the fastest
 * of them.
 */
async function secondsOf(run: (count: number) => Promise<void>, windows = 1): Promise<number> {
  const timed = async (count: number) => {
    const start = performance.now();
    await run(count);
    return (performance.now() - start) / 1000;
  };
  await run(1);
  const count = Math.min(MOST_RUNS, Math.max(1, Math.ceil(LEAST_SECONDS / Math.max(1e-6, await timed(1)))));
  let least = Infinity;
  for (let window = 0; window < windows; window++) least = Math.min(least, await timed(count));
  return least / count;
}

/** Text tokens per second of whole updates. The learning rate is zero, so the weights do not change. */
export async function trainingSpeed(
  store: ParameterStore,
  { executor, study, tokens }: Place,
  { windows = 1 } = {},
): Promise<number> {
  const { pretraining, sequenceLength: T, profile } = study;
  const made = pretrainingPlan(study, store);
  const objective = textObjective(
    made,
    new BatchOrder(tokens, { B: microBatch(pretraining), T, seed: 1, aligned: profile === "seed" }),
  );
  if (made.lossScale) executor.write(made.lossScale, initialLossScale());
  const updater = await Updater.create(executor, objective);
  try {
    return made.tokensPerStep / await secondsOf(async (count) => {
      for (let step = 1; step <= count; step++) {
        await updater.run({ step, rate: 0 });
      }
      await updater.drain();
    }, windows);
  } finally {
    updater.dispose();
  }
}

/** New tokens per second of one sequence with caches, logits read after each token. */
async function generationSpeed(store: ParameterStore, { executor, study, tokens }: Place): Promise<number> {
  const length = Math.min(study.sequenceLength, MOST_TOKENS);
  const session = await DecodeSession.create(executor, store, { B: 1, length });
  let at = 0;
  try {
    return 1 / await secondsOf(async (count) => {
      for (let i = 0; i < count; i++) {
        if (at === length) {
          await session.restart();
          at = 0;
        }
        await session.feed(Uint32Array.from(tokens.tokens.subarray(at, at + 1)));
        at++;
      }
    });
  } finally {
    session.dispose();
  }
}

/**
 * Tokens per second of every arm in `rounds` rounds. The arms take turns, so that a slow moment of the machine meets all of
 * them. Each visit warms up first. The time does not depend on the weights, so they are random.
 */
export async function measureSpeeds(
  arms: readonly Arm[],
  place: Place,
  { rounds }: { rounds: number },
): Promise<Speeds> {
  const found = arms.map(({ name: arm }): Mutable<ArmSpeeds> => ({
    arm,
    training_tokens_per_s: [],
    generation_tokens_per_s: [],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, arm] of arms.entries()) {
      throwIfStopped(place.signal, "measuring speeds");
      const store = new ParameterStore(arm.config);
      try {
        store.initialise(place.executor, 1);
        found[i]?.training_tokens_per_s.push(
          await trainingSpeed(store, { ...place, study: studyOfArm(place.study, arm) }),
        );
        found[i]?.generation_tokens_per_s.push(await generationSpeed(store, place));
      } finally {
        store.release(place.executor);
      }
    }
  }
  return { format: 1, arms: found };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
