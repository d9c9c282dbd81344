/** What generation costs: time of a token by context and batch, bytes of the caches, and two other ways of doing it. */
import { ArchType, type Arm, type HymbaConfig, layersOf } from "../config/mod.ts";
import { cacheBytes } from "../infer/caches.ts";
import { metaPrefix } from "../infer/meta_prefix.ts";
import { DecodeSession } from "../infer/session.ts";
import { evaluationPlan } from "../infer/scorer.ts";
import { cacheSlots } from "../ops/decode.ts";
import { at, mean } from "../lists.ts";
import { parameterCount } from "../params/specs.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { loadStudent, studentQuantile } from "../student.ts";
import { ELEMENT_BYTES } from "../tensor/mod.ts";
import { time } from "./timing.ts";

/** A mean and the ends of its 95 % interval, from the rounds of a measurement. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Generation at one context and batch. `--json` prints these names. */
export interface TokenCost {
  /** Tokens that the caches hold of each sequence, meta tokens not counted. */
  readonly context: number;
  readonly batch: number;
  /** Milliseconds of a step, which makes a token of each sequence. */
  readonly ms: Interval;
  /** New tokens per second of all sequences together. */
  /** B tokens in the mean time of a step; the interval is that of the time. */
  readonly tokens_per_s: Interval;
  /** Bytes of caches and states: of the buffers as allocated, and by the formula. */
  readonly cache_bytes: number;
  readonly cache_bytes_formula: number;
  /** Bytes that a step has to read and write at least: weights once, filled caches and states of every sequence. */
  readonly bytes_moved: number;
  /** Those bytes per second, as a share of the measured copy bandwidth. */
  readonly bandwidth_share: number;
}

/** How the time of a step grows with the context, at the first batch. */
export interface Slope {
  /** Microseconds of a token for each 1000 tokens of context. */
  readonly us_per_1000: Interval;
  /** Growth over the measured contexts, relative to the time at the smallest. */
  readonly growth: Interval;
}

export interface DecodeReport {
  readonly arm: string;
  readonly parameters: number;
  readonly costs: readonly TokenCost[];
  readonly slope: Slope;
  /** Tokens of a prompt per second, one sequence. */
  readonly prefill_tokens_per_s: Interval;
  /** The same model with a cache of every position for every layer, batch 1. Absent if its own caches are like that. */
  readonly full_caches?: readonly TokenCost[];
  /** Milliseconds of a token when the whole context is computed again for each, batch 1. */
  readonly recomputed: readonly { readonly context: number; readonly ms: Interval }[];
}

export interface DecodeSizes {
  readonly contexts: readonly number[];
  readonly batches: readonly number[];
  /** Measured rounds of each. */
  readonly rounds: number;
  /** Longest context that is computed again for each token. */
  readonly recomputeTo: number;
  /** Bytes per second of a copy, read and written. */
  readonly bytesPerSecond: number;
  readonly onProgress?: (line: string) => void;
}

/** Least seconds of a round. */
const ROUND_SECONDS = 0.05;
/** Steps of a round at most. */
const MOST_STEPS = 64;
/** Tokens of the prompt whose reading is timed. */
const PROMPT = 512;

/** Measures one model. Its weights are those that training starts from; numbers do not change the time. */
export async function benchDecode(
  executor: Executor,
  { name, config }: Arm,
  sizes: DecodeSizes,
): Promise<DecodeReport> {
  await loadStudent();
  const costs: TokenCost[] = [], rounds: Round[] = [], { batches, onProgress } = sizes;
  await withWeights(executor, config, async (store) => {
    for (const batch of batches) {
      onProgress?.(`${name}: batch ${batch}`);
      const found = await costsOf(executor, store, { batch, sizes });
      costs.push(...found.costs);
      if (batch === at(batches, 0)) rounds.push(...found.rounds);
    }
  });
  const whole = withFullCaches(config), more = { executor, sizes };
  return {
    arm: name,
    parameters: parameterCount(config),
    costs,
    slope: slopeOf(rounds),
    prefill_tokens_per_s: await prefillOf(executor, config, sizes),
    ...(whole && { full_caches: await fullCosts(whole, more) }),
    recomputed: await recomputed(config, more),
  };
}

async function withWeights<T>(executor: Executor, config: HymbaConfig, use: (store: ParameterStore) => Promise<T>) {
  const store = new ParameterStore(config);
  store.initialise(executor, 1);
  try {
    return await use(store);
  } finally {
    store.release(executor);
  }
}

/** The same model without windows and without shared caches. Undefined if it has neither. */
function withFullCaches(config: HymbaConfig): HymbaConfig | undefined {
  const layers = layersOf(config).filter(({ attention }) => attention);
  if (layers.every(({ window, kvOwner, index }) => window === 0 && kvOwner === index)) return undefined;
  const full = { useKvSharing: false, windowed: false, kvGroups: undefined };
  if (config.layers !== undefined) {
    return config.with({ ...full, layers: config.layers.replaceAll("l", "g").replaceAll("w", "h") });
  }
  const archType = config.archType === ArchType.TRANSFORMER_LOCAL ? ArchType.TRANSFORMER_GLOBAL : config.archType;
  return config.with({ ...full, archType });
}

interface Round {
  readonly context: number;
  readonly seconds: number;
}

/** A session behind a context, and how many steps a round of it has. */
interface Timed {
  readonly context: number;
  readonly session: DecodeSession;
  readonly steps: number;
  readonly seconds: number[];
}

/** Seconds of a step, over `steps` of them and the wait for the last. */
async function secondsOfStep(session: DecodeSession, steps: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < steps; i++) await session.step();
  await session.settled();
  return (performance.now() - start) / 1000 / steps;
}

/** Times all contexts at one batch. They take turns, so that a slow moment of the machine meets all of them. */
async function costsOf(
  executor: Executor,
  store: ParameterStore,
  { batch: B, sizes }: { batch: number; sizes: DecodeSizes },
): Promise<{ costs: TokenCost[]; rounds: Round[] }> {
  const all: Timed[] = [], room = 2 + MOST_STEPS * (sizes.rounds + 1);
  const prefix = await metaPrefix(executor, store);
  try {
    for (const context of sizes.contexts) {
      const session = await DecodeSession.create(executor, store, { B, length: context + room, prefix });
      session.assume(context);
      await secondsOfStep(session, 1);
      const steps = Math.min(MOST_STEPS, Math.max(1, Math.ceil(ROUND_SECONDS / await secondsOfStep(session, 1))));
      all.push({ context, session, steps, seconds: [] });
    }
    for (let round = 0; round < sizes.rounds; round++) {
      for (const { session, steps, seconds } of all) seconds.push(await secondsOfStep(session, steps));
    }
    const costs = all.map((timed) => costOf(store.config, timed, { B, room, sizes }));
    const rounds = all.flatMap(({ context, seconds }) => seconds.map((seconds) => ({ context, seconds })));
    return { costs, rounds };
  } finally {
    for (const { session } of all) session.dispose();
  }
}

/** Tokens a second, of the milliseconds of a step that makes `count` of them. A time from 0 allows any speed. */
const rateOf = ({ mean, low, high }: Interval, count: number): Interval => ({
  mean: 1000 * count / mean,
  low: 1000 * count / high,
  high: low > 0 ? 1000 * count / low : Infinity,
});

function costOf(
  config: HymbaConfig,
  { context, session, seconds }: Timed,
  { B, room, sizes }: { B: number; room: number; sizes: DecodeSizes },
): TokenCost {
  const moved = bytesMoved(config, { B, context }), ms = intervalOf(seconds.map((each) => 1000 * each));
  return {
    context,
    batch: B,
    ms,
    tokens_per_s: rateOf(ms, B),
    cache_bytes: session.cacheBytes,
    bytes_moved: moved,
    cache_bytes_formula: cacheBytes(config, { B, S: config.metaTokens + context + room }),
    bandwidth_share: moved / mean(seconds) / sizes.bytesPerSecond,
  };
}

/** Weights once; keys and values that are filled are read, states are read and written. */
function bytesMoved(config: HymbaConfig, { B, context }: { B: number; context: number }): number {
  const { nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, convKernel: J, metaTokens: meta } =
    config;
  const sequence = layersOf(config).reduce((sum, { attention, mamba, window }) => {
    const filled = attention ? cacheSlots(meta + context + 1, { window, meta }) * G * (K + Kv) : 0;
    const states = mamba ? 2 * I * (J - 1) + (config.state === "on" ? 2 * I * N : 0) : 0;
    return sum + filled + states;
  }, 0);
  return (parameterCount(config) + B * sequence) * ELEMENT_BYTES;
}

async function prefillOf(executor: Executor, config: HymbaConfig, { rounds }: DecodeSizes): Promise<Interval> {
  return await withWeights(executor, config, async (store) => {
    const session = await DecodeSession.create(executor, store, { B: 1, length: PROMPT });
    const prompt = Uint32Array.from({ length: PROMPT }, (_, t) => t % config.vocabSize), rates: number[] = [];
    try {
      for (let round = 0; round <= rounds; round++) {
        session.restart();
        const start = performance.now();
        await session.append([prompt]);
        await session.settled();
        if (round > 0) rates.push(PROMPT / (performance.now() - start) * 1000);
      }
      return intervalOf(rates);
    } finally {
      session.dispose();
    }
  });
}

async function fullCosts(
  config: HymbaConfig,
  { executor, sizes }: { executor: Executor; sizes: DecodeSizes },
): Promise<TokenCost[]> {
  return await withWeights(
    executor,
    config,
    async (store) => (await costsOf(executor, store, { batch: 1, sizes })).costs,
  );
}

async function recomputed(
  config: HymbaConfig,
  { executor, sizes: { contexts, rounds, recomputeTo } }: { executor: Executor; sizes: DecodeSizes },
): Promise<DecodeReport["recomputed"]> {
  return await withWeights(executor, config, async (store) => {
    const found: { context: number; ms: Interval }[] = [];
    for (const context of contexts.filter((context) => context <= recomputeTo)) {
      const { plan, ids, targets, logp } = evaluationPlan(store, { B: 1, T: context });
      const program = await executor.prepare({ ...plan, metrics: [logp] });
      program.write(ids, new Uint32Array(context));
      program.write(targets, new Uint32Array(context));
      const ms: number[] = [];
      for (let round = 0; round < rounds; round++) ms.push(1000 * (await time(program, { runs: 1 })).best);
      program.dispose();
      found.push({ context, ms: intervalOf(ms) });
    }
    return found;
  });
}

/** The mean and its 95 % interval by Student's t. */
export function intervalOf(values: readonly number[]): Interval {
  const n = values.length, middle = mean(values);
  if (n < 2) return { mean: middle, low: middle, high: middle };
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  const half = studentQuantile(0.975, n - 1) * Math.sqrt(variance / n);
  return { mean: middle, low: middle - half, high: middle + half };
}

/** The line through all rounds by least squares, with the 95 % interval of its slope. */
export function slopeOf(rounds: readonly Round[]): Slope {
  const n = rounds.length,
    x = rounds.map(({ context }) => context / 1000),
    y = rounds.map(({ seconds }) => 1e6 * seconds);
  const mx = mean(x), my = mean(y), sxx = x.reduce((sum, each) => sum + (each - mx) ** 2, 0);
  const slope = x.reduce((sum, each, i) => sum + (each - mx) * (at(y, i) - my), 0) / sxx;
  const residual = y.reduce((sum, each, i) => sum + (each - my - slope * (at(x, i) - mx)) ** 2, 0);
  const half = n > 2 ? studentQuantile(0.975, n - 2) * Math.sqrt(residual / (n - 2) / sxx) : 0;
  const span = Math.max(...x) - Math.min(...x), first = my + slope * (Math.min(...x) - mx);
  const of = (scale: number) => ({ mean: slope * scale, low: (slope - half) * scale, high: (slope + half) * scale });
  return { us_per_1000: of(1), growth: of(span / first) };
}
