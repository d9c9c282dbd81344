/**
 * Draws the next token of each sequence on the device, and moves the sequence on: its token is fed to the next step without a visit to
 * the host. The draw is a function of logits, seed, number and turn (core/random.ts), so it does not depend on the batch.
 */
import { defineOp, dimsOf, type Tape, type Tensor } from "../tensor/mod.ts";

/** Tokens that the device remembers of each sequence until the host has read them. */
export const HISTORY = 64;
/** The entry in the history for a token that could not be drawn, because a logit was not finite. Token 0 is used instead. */
export const NOT_DRAWN = 0xffffffff;

export const sampleOp = defineOp({
  name: "sample",
  phase: "decoding",
  attributes: ["B", "V", "rows"],
  reads: {
    logits: "B V",
    settings: "B 8",
    position: "B",
    turn: "B",
    seen: "B V",
    history: "rows B",
  },
  writes: { token: "B", position: "B", turn: "B", seen: "B V", history: "rows B" },
  flops: ({ B, V }) => 200 * B * V,
});

/** How a token is drawn. */
export interface SampleSettings {
  /** From 0, below 2^53. */
  readonly seed: number;
  /** Draw from the k likeliest tokens; 0 means all. Of equal logits the lower ids come first. */
  readonly topK: number;
  /** Logits are divided by it; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Draw from the fewest likeliest tokens that together have this probability; 1 means all. */
  readonly topP: number;
  /** Draw from tokens of at least this share of the highest probability; 0 means all. */
  readonly minP: number;
  /** Logits above 0 of tokens that the text already has are divided by it, others multiplied; 1 changes nothing. */
  readonly repetitionPenalty: number;
}

/**
 * The input `settings` of {@link sample}, [B, 8]: for each sequence the seed (low and high 32 bits), its number, k, and the bits of the
 * four f32. `numbers` [B], below 2^32: sequences with the same logits, seed and number draw the same tokens.
 */
export function settingsWords(
  { seed, topK, temperature, topP, minP, repetitionPenalty }: SampleSettings,
  numbers: readonly number[],
): Uint32Array<ArrayBuffer> {
  const reals = Float32Array.of(temperature, topP, minP, repetitionPenalty);
  const high = Math.floor(seed / 2 ** 32), k = Math.min(topK, 0xffffffff), words = new Uint32Array(8 * numbers.length);
  for (const [b, number] of numbers.entries()) {
    words.set([seed >>> 0, high, number, k, ...new Uint32Array(reals.buffer)], 8 * b);
  }
  return words;
}

/**
 * The state of a sequence between steps; each [B] u32 except `seen` [B, V] (1: the text has the token) and `history` [rows,
 * B].
 */
export interface SampleState {
  readonly token: Tensor;
  readonly position: Tensor;
  /** Tokens drawn so far. */
  readonly turn: Tensor;
  readonly seen: Tensor;
  /** Row `turn mod rows` has the token of that turn. */
  readonly history: Tensor;
}

/**
 * token = the draw from softmax(logits / temperature) after penalty, top-k, top-p and min-p, in this order; then position and turn grow
 * by 1 and `seen` and `history` get the token. Tokens are taken by falling logit, equal ones by id: the draw is the first whose summed
 * probability exceeds a uniform number. Shapes: logits [B, V], settings [B, 8] u32 ({@link settingsWords}).
 */
export function sample(
  tape: Tape,
  { logits, settings, state }: { logits: Tensor; settings: Tensor; state: SampleState },
): void {
  const [rows, B] = dimsOf(state.history, 2), { token, position, turn, seen, history } = state;
  const V = seen.columns;
  tape.step(sampleOp, {
    attributes: { B, V, rows },
    reads: { logits, settings, position, turn, seen, history },
    writes: { token, position, turn, seen, history },
  });
}
