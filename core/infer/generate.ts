/** Continues texts. Each draw is a function of text, seed, number and turn, and is made on the device. */
import { Diverged, throwIfStopped, UsageError } from "../errors.ts";
import { shown } from "../given.ts";
import { at } from "../lists.ts";
import { HISTORY, NOT_DRAWN, type SampleSettings } from "../ops/sample.ts";
import type { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import type { MetaPrefix } from "./meta_prefix.ts";
import { DecodeSession } from "./session.ts";

export interface SamplingOptions {
  /** From 1 to {@link MAX_NEW_TOKENS}. */
  readonly newTokens: number;
  /** Divides the logits; 0 takes the most likely token. */
  readonly temperature: number;
  /** Draws from the k most likely tokens; 0 (the default) means all. */
  readonly topK?: number;
  /**
   * Draws from the smallest set of most likely tokens with at least this total probability: above 0, to 1 (the default), which
   * means all.
   */
  readonly topP?: number;
  /** Draws from tokens with at least this share of the highest probability: from 0 (the default), which means all, to 1. */
  readonly minP?: number;
  /**
   * Makes tokens of the text so far less likely: 1 (the default) does nothing, larger values are stronger; at most 1000.
   */
  readonly repetitionPenalty?: number;
  readonly seed: number;
  /**
   * [B], whole numbers from 0. Equal texts with the same seed and number get the same tokens; with another number they get others.
   * Default: 0 for each sequence of a session; in {@link generate}, see {@link repeats}. Users know them as `repeat`.
   */
  readonly numbers?: readonly number[];
  /** Stops the sampling between two tokens. */
  readonly signal?: AbortSignal;
}

export interface Generated {
  readonly tokens: Uint32Array<ArrayBuffer>[];
}

/** Most tokens that one call adds to a prompt. */
export const MAX_NEW_TOKENS = 2 ** 20;

/** The largest repetition penalty. */
export const MAX_PENALTY = 1000;

/** Settings are divisors of logits in f32: smaller or larger ones would give infinities. */
const LEAST = 1e-30, MOST = 1e30, IN_F32 = `a number from ${LEAST} to ${MOST}`;
const inF32 = (value: number): boolean => value >= LEAST && value <= MOST;

/** The options with their defaults. Throws a UsageError that names the first one out of its range. */
export function settingsOf(
  { newTokens, temperature, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed, numbers = [] }: SamplingOptions,
): SampleSettings {
  const wholeTo = (max: number, min = 0) => (value: number) =>
    Number.isSafeInteger(value) && value >= min && value <= max;
  const share = (value: number) => value >= 0 && value <= 1;
  const rules:
    readonly (readonly [name: string, value: number, holds: (value: number) => boolean, expected: string])[] = [
      ["maxNewTokens", newTokens, wholeTo(MAX_NEW_TOKENS, 1), `a whole number from 1 to ${MAX_NEW_TOKENS}`],
      ["temperature", temperature, (value) => value === 0 || inF32(value), `0 or ${IN_F32}`],
      ["topK", topK, wholeTo(Number.MAX_SAFE_INTEGER), "0, which means all, or a whole number above it"],
      ["topP", topP, (value) => inF32(value) && share(value), `a number from ${LEAST} to 1, which means all`],
      ["minP", minP, share, "a number from 0, which means all, to 1"],
      [
        "repetitionPenalty",
        repetitionPenalty,
        (value) => inF32(value) && value <= MAX_PENALTY,
        `a number from ${LEAST} to ${MAX_PENALTY}; 1 does nothing`,
      ],
      ["seed", seed, wholeTo(Number.MAX_SAFE_INTEGER), "a whole number from 0"],
      ...numbers.map((number) =>
        ["repeat", number, wholeTo(2 ** 32 - 1), "a whole number from 0 to 4294967295"] as const
      ),
    ];
  for (const [name, value, holds, expected] of rules) {
    if (typeof value !== "number" || !holds(value)) {
      throw new UsageError(`sampling: ${name} is out of range`, { expected, got: shown(value) });
    }
  }
  return { seed, topK, temperature, topP, minP, repetitionPenalty };
}

/** Interval between reads of tokens from the device (milliseconds), so that a displayed text appears steadily. */
const READ_EVERY = 50;

/**
 * Draws `newTokens` tokens of each sequence of a session that has a text. Yields the tokens of the next turns, each [B], as
 * they are read. The device continues meanwhile: if the caller leaves the loop early, up to 32 more turns have been drawn than
 * were yielded. `each`: read every token before the next is drawn. Throws UsageError for options out of range, Interrupted
 * when the signal aborts.
 */
export async function* drawn(
  session: DecodeSession,
  { each = false, ...options }: SamplingOptions & { each?: boolean },
): AsyncGenerator<Uint32Array[], void, void> {
  session.begin(settingsOf(options), options.numbers);
  let read = 0, before = -Infinity;
  for (let turn = 1; turn <= options.newTokens; turn++) {
    throwIfStopped(options.signal, "sampling", { saved: false });
    await session.step();
    const waited = performance.now() - before;
    if (!each && turn < options.newTokens && waited < READ_EVERY && turn - read < HISTORY / 2) continue;
    const rows = await session.drawn(read);
    requireDrawn(rows, read);
    yield rows;
    read = turn;
    before = performance.now();
  }
}

function requireDrawn(rows: readonly Uint32Array[], turn: number): void {
  for (const [i, row] of rows.entries()) {
    const sequence = row.indexOf(NOT_DRAWN);
    if (sequence < 0) continue;
    throw new Diverged("sampling: the model has numbers that are not finite", {
      got: `a logit that is not finite, at token ${turn + i} of sequence ${sequence}`,
    });
  }
}

/** For each text, `from` plus the number of equal texts before it: so equal texts get different tokens, and the others do not matter. */
export function repeats(texts: readonly Uint32Array[], from = 0): number[] {
  const counts = new Map<string, number>();
  return texts.map((text) => {
    const key = text.join(" "), number = counts.get(key) ?? from;
    counts.set(key, number + 1);
    return number;
  });
}

/**
 * Continues several prompts in one batch. Their lengths may differ, and each has at least one token. The tokens of a sequence
 * do not depend on the other sequences, nor on its place among them. Throws UsageError for options out of range, Interrupted when the signal aborts.
 */
export async function generate(
  executor: Executor,
  store: ParameterStore,
  { prompts, prefix, ...options }: SamplingOptions & { prompts: readonly Uint32Array[]; prefix?: MetaPrefix },
): Promise<Generated> {
  settingsOf(options);
  const B = prompts.length, { newTokens } = options;
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
  const session = await DecodeSession.create(executor, store, { B, length: longest + newTokens, prefix });
  try {
    throwIfStopped(options.signal, "sampling", { saved: false });
    await session.append(prompts, { signal: options.signal });
    const made = prompts.map(() => new Uint32Array(newTokens));
    let turn = 0;
    for await (const rows of drawn(session, { ...options, numbers: options.numbers ?? repeats(prompts) })) {
      for (const row of rows) {
        for (const [b, tokens] of made.entries()) tokens[turn] = at(row, b);
        turn++;
      }
    }
    return { tokens: made };
  } finally {
    session.dispose();
  }
}
