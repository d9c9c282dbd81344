/** Sampling continuations. Each draw is a function of seed, sequence and position. */
import { Diverged, throwIfStopped, UsageError } from "../errors.ts";
import { at } from "../lists.ts";
import { STREAMS, uniform } from "../random.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { DecodeSession } from "./session.ts";

export interface SamplingOptions {
  readonly newTokens: number;
  /** Logits are divided by it; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Only the k likeliest tokens are drawn from; 0 means all. */
  readonly topK?: number;
  readonly seed: number;
  /** Number of the first sequence. Batches of a longer list number on, so that each sequence has its own draws. */
  readonly first?: number;
  /** Stops the sampling between two tokens. */
  readonly signal?: AbortSignal;
}

export interface Generated {
  readonly tokens: Uint32Array<ArrayBuffer>[];
  /** Wall time from the first generated token to the last. */
  readonly decode_s: number;
}

/** Most tokens that one call adds to a prompt. Caches have a place for each. */
export const MAX_NEW_TOKENS = 2 ** 20;

/** Throws a UsageError that names the first option out of its range. */
function requireSampling({ newTokens, temperature, topK = 0, seed }: SamplingOptions): void {
  const wholeTo = (max: number, min = 0) => (value: number) =>
    Number.isSafeInteger(value) && value >= min && value <= max;
  const rules:
    readonly (readonly [name: string, value: number, holds: (value: number) => boolean, expected: string])[] = [
      ["newTokens", newTokens, wholeTo(MAX_NEW_TOKENS, 1), `a whole number from 1 to ${MAX_NEW_TOKENS}`],
      ["temperature", temperature, (value) => value >= 0 && value < Infinity, "0 or a finite number above it"],
      ["topK", topK, wholeTo(Number.MAX_SAFE_INTEGER), "0, which means all, or a whole number above it"],
      ["seed", seed, wholeTo(Number.MAX_SAFE_INTEGER), "a whole number from 0"],
    ];
  for (const [name, value, holds, expected] of rules) {
    if (!holds(value)) throw new UsageError(`sampling: ${name} is out of range`, { expected, got: String(value) });
  }
}

/** Continues prompts of equal length side by side. Throws UsageError for options out of range, Interrupted when the signal aborts. */
export async function generate(
  executor: Executor,
  store: ParameterStore,
  { prompts, ...options }: SamplingOptions & { prompts: readonly Uint32Array[] },
): Promise<Generated> {
  requireSampling(options);
  const B = prompts.length, { length } = at(prompts, 0), { newTokens } = options;
  const session = await DecodeSession.create(executor, store, { B, length: length + newTokens });
  try {
    const column = (sequences: readonly Uint32Array[], t: number) =>
      Uint32Array.from(sequences, (tokens) => at(tokens, t));
    for (let t = 0; t < length - 1; t++) {
      throwIfStopped(options.signal, "sampling");
      await session.push(column(prompts, t));
    }
    throwIfStopped(options.signal, "sampling");
    let logits = await session.feed(column(prompts, length - 1));
    const start = performance.now(), made = prompts.map(() => new Uint32Array(newTokens)), V = logits.length / B;
    for (let t = 0; t < newTokens; t++) {
      throwIfStopped(options.signal, "sampling");
      for (const [b, tokens] of made.entries()) {
        const sequence = (options.first ?? 0) + b;
        tokens[t] = draw(logits.subarray(b * V, (b + 1) * V), { ...options, sequence, t });
      }
      if (t < newTokens - 1) logits = await session.feed(column(made, t));
    }
    return { tokens: made, decode_s: (performance.now() - start) / 1000 };
  } finally {
    session.dispose();
  }
}

/** One token from logits [V]. */
function draw(
  logits: Float32Array,
  { temperature, topK = 0, seed, sequence, t }: SamplingOptions & { sequence: number; t: number },
): number {
  const broken = logits.findIndex((logit) => !Number.isFinite(logit));
  if (broken >= 0) {
    throw new Diverged("sampling: the model has numbers that are not finite", {
      got: `${logits[broken]} as the logit of token ${broken}, at token ${t} of sequence ${sequence}`,
    });
  }
  const order = Uint32Array.from(logits, (_, id) => id);
  if (temperature === 0) return order.reduce((best, id) => logits[id]! > logits[best]! ? id : best, 0);
  order.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const kept = topK > 0 ? order.subarray(0, topK) : order;
  const weights = Float64Array.from(kept, (id) => Math.exp((logits[id]! - logits[order[0]!]!) / temperature));
  let left = uniform({ seed, stream: STREAMS.sampling, step: sequence }, t) *
    weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, weight] of weights.entries()) if ((left -= weight) < 0) return at(kept, i);
  return at(kept, -1);
}
